package io.millrace.benchmarks;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A folder for one benchmark, deleted with everything in it. */
record Scratch(Path folder) implements AutoCloseable {
    /** Below {@code -Djava.io.tmpdir}, which says whose disk is measured. */
    static Scratch create() throws IOException {
        return new Scratch(Files.createTempDirectory("millrace-benchmark-"));
    }

    void requireSpace(long bytes) throws IOException {
        long free = Files.getFileStore(folder).getUsableSpace();
        if (free < bytes) {
            throw new IOException(String.format(
                    Locale.ROOT,
                    "%s: %.1f GB are free and %.1f GB are needed; choose fewer --parameters, or another disk with"
                            + " -Djava.io.tmpdir",
                    folder,
                    free / 1e9,
                    bytes / 1e9));
        }
    }

    Path resolve(String name) {
        return folder.resolve(name);
    }

    @Override
    public void close() throws IOException {
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.deleteIfExists(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException trouble) throws IOException {
                Files.deleteIfExists(visited);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
