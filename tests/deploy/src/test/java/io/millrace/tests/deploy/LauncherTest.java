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

    private void layOut() throws IOException {
        copy("millrace");
        copy(".ci/find-jdk");
        write("services/cli/target/classpath.txt", "lib/*");
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
        Process process = builder.redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(process.waitFor()).as(said).isZero();
        return said.replace("\n", "");
    }
}
