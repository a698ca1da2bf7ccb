package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;

/** The image has what the native libraries in our jars are linked with; without it they fail where nobody looks. */
final class NativesTest {
    /** In the base image: its libc, and what apt and the JDK are linked with. */
    private static final Set<String> BASE = Set.of(
            "ld-linux-x86-64.so.2",
            "libc.so.6",
            "libdl.so.2",
            "libgcc_s.so.1",
            "libm.so.6",
            "libpthread.so.0",
            "librt.so.1",
            "libstdc++.so.6");

    private static final Map<String, String> PACKAGES = Map.of("libgomp.so.1", "libgomp1");

    /** Larger ones are PyTorch's, which comes with all that it needs. */
    private static final long LARGEST = 100L << 20;

    @Test
    void whatNativesNeedIsInTheBaseOrInstalled() throws IOException {
        Map<String, List<String>> needed = natives();
        assertThat(needed.keySet())
                .anyMatch(name -> name.endsWith("libjllama.so"))
                .hasSizeGreaterThan(4);

        TreeSet<String> beyond = new TreeSet<>();
        needed.values().forEach(beyond::addAll);
        beyond.removeAll(BASE);
        assertThat(beyond).as("%s", needed).isSubsetOf(PACKAGES.keySet());
        String dockerfile = Repository.text(Repository.DEPLOY.resolve("docker/Dockerfile"));
        assertThat(beyond)
                .allSatisfy(library -> assertThat(dockerfile)
                        .containsPattern(
                                "apt-get install -y --no-install-recommends [^&]*\\b" + PACKAGES.get(library) + "\\b"));
    }

    /** Name to what it needs, of each library for Linux on x86-64 with glibc. */
    private static Map<String, List<String>> natives() throws IOException {
        Map<String, List<String>> needed = new TreeMap<>();
        for (Path jar : jars()) {
            try (ZipFile zip = new ZipFile(jar.toFile())) {
                List<? extends ZipEntry> libraries = zip.stream()
                        .filter(entry -> entry.getName().matches("(?i)(?!.*musl).*linux.*\\.so(\\.\\d+)*"))
                        .filter(entry -> entry.getSize() < LARGEST)
                        .toList();
                for (ZipEntry entry : libraries) {
                    SharedObject library = library(zip, entry);
                    if (library.forX86()) {
                        needed.put(jar.getFileName() + "!" + entry.getName(), library.needed());
                    }
                }
            }
        }
        return needed;
    }

    private static SharedObject library(ZipFile zip, ZipEntry entry) throws IOException {
        try (InputStream bytes = zip.getInputStream(entry)) {
            return SharedObject.of(bytes.readAllBytes());
        }
    }

    private static List<Path> jars() {
        return Arrays.stream(System.getProperty("java.class.path").split(":", -1))
                .filter(entry -> entry.endsWith(".jar") && !entry.contains("pytorch"))
                .map(Path::of)
                .toList();
    }
}
