package io.millrace.tests.pipeline;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * A file system of eight megabytes, almost full, in the place of a folder and with its content. Only the process that is
 * started with it, and its children, see it: it is mounted in a namespace of theirs, which needs no privileges on most
 * systems, and is gone when they are.
 */
record SmallDisk(Path folder) {
    /** What is free at first. */
    static final long FREE_BYTES = 96 << 10;

    private static final String BALLAST = "ballast";
    private static final String SCRIPT = """
            set -e
            folder=$1
            shift
            mkdir "$folder.small"
            mount -t tmpfs -o size=8m tmpfs "$folder.small"
            cp -a "$folder/." "$folder.small/"
            cat /dev/zero > "$folder.small/%s" 2>/dev/null || true
            truncate -s -%d "$folder.small/%s"
            mount --bind "$folder.small" "$folder"
            exec "$@"
            """.formatted(BALLAST, FREE_BYTES, BALLAST);
    private static final List<String> NAMESPACE = List.of("unshare", "--user", "--map-root-user", "--mount");

    /** Whether this system lets a user have a namespace and mount there. */
    static boolean available() throws InterruptedException {
        List<String> command = Stream.concat(NAMESPACE.stream(), Stream.of("mount", "-t", "tmpfs", "tmpfs", "/mnt"))
                .toList();
        try {
            return new ProcessBuilder(command).redirectErrorStream(true).start().waitFor() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    /** What a command is to be started with. */
    List<String> launcher() {
        return Stream.concat(NAMESPACE.stream(), Stream.of("sh", "-c", SCRIPT, "small-disk", folder.toString()))
                .toList();
    }

    /** Sizes in bytes of the files below, as the process sees them. */
    List<Long> sizes(RunningMillrace process, String below) throws IOException {
        try (Stream<Path> files = Files.walk(process.sees(folder).resolve(below))) {
            return files.map(Path::toFile)
                    .filter(File::isFile)
                    .map(File::length)
                    .toList();
        }
    }

    void makeRoom(RunningMillrace process) throws IOException {
        Files.delete(process.sees(folder).resolve(BALLAST));
    }
}
