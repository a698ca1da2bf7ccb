package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher with a Java that only tells how it was started. */
final class LauncherTest {
    private static final String TELLING = "#!/bin/sh\necho \"${LC_ALL:-} ${LC_CTYPE:-} ${LANG:-}\"\n";

    @TempDir
    Path folder;

    /** Else a model whose folder has an umlaut is not found from a job of cron. */
    @Test
    void inThePlainLocaleNamesOfFilesAreUtf8AndAnyOtherStays() throws Exception {
        layOut();

        assertThat(localeOf(Map.of())).isEqualTo("C.UTF-8  ");
        assertThat(localeOf(Map.of("LC_ALL", "C", "LANG", "de_DE.UTF-8"))).isEqualTo("C.UTF-8  de_DE.UTF-8");
        assertThat(localeOf(Map.of("LANG", "POSIX"))).isEqualTo("C.UTF-8  POSIX");
        assertThat(localeOf(Map.of("LANG", "de_DE.UTF-8"))).isEqualTo("  de_DE.UTF-8");
        assertThat(localeOf(Map.of("LC_CTYPE", "de_DE.ISO-8859-1"))).isEqualTo(" de_DE.ISO-8859-1 ");
    }

    @Test
    void aLibraryThatIsGoneIsNamed() throws Exception {
        layOut();
        Path library = folder.resolve("repository/kafka.jar");
        write("services/cli/target/classpath.txt", folder.resolve("lib") + "/*:" + library);

        Process process = start(Map.of());
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(process.waitFor()).as(said).isEqualTo(4);
        assertThat(said).contains("the build wants " + library + ", which is gone", "without MILLRACE_NO_BUILD");
    }

    private void layOut() throws IOException {
        copy("millrace");
        copy(".ci/find-jdk");
        Files.createDirectories(folder.resolve("lib"));
        write("services/cli/target/classpath.txt", folder.resolve("lib") + "/*");
        write("jdk/release", "JAVA_VERSION=\"25.0.3\"\n");
        for (String program : new String[] {"jdk/bin/java", "jdk/bin/javac"}) {
            write(program, TELLING);
            Files.setPosixFilePermissions(folder.resolve(program), PosixFilePermissions.fromString("rwxr-xr-x"));
        }
    }

    private void copy(String file) throws IOException {
        write(file, Files.readString(Repository.ROOT.resolve(file)));
    }

    private void write(String file, String content) throws IOException {
        Path path = folder.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, content);
    }

    private String localeOf(Map<String, String> locale) throws IOException, InterruptedException {
        Process process = start(locale);
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(process.waitFor()).as(said).isZero();
        return said.replace("\n", "");
    }

    private Process start(Map<String, String> locale) throws IOException {
        ProcessBuilder builder =
                new ProcessBuilder("sh", folder.resolve("millrace").toString(), "runs");
        builder.environment().keySet().removeIf(name -> name.startsWith("LC_") || name.equals("LANG"));
        builder.environment().putAll(locale);
        builder.environment()
                .putAll(Map.of(
                        "MILLRACE_NO_BUILD",
                        "1",
                        "JAVA_HOME",
                        folder.resolve("jdk").toString()));
        return builder.redirectErrorStream(true).start();
    }
}
