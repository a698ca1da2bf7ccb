package io.millrace.benchmarks;

import io.millrace.store.FolderTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

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
        FolderTree.delete(folder);
    }
}
