package io.millrace.benchmarks;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;

/** How often a second the disk takes a small new file for good, one after the other. */
final class DiskSync {
    private static final Duration FOR = Duration.ofSeconds(2);

    private DiskSync() {}

    static double perSecond(Path folder) throws IOException {
        ByteBuffer content = ByteBuffer.allocateDirect(4096);
        int syncs = 0;
        long began = System.nanoTime();
        while (System.nanoTime() - began < FOR.toNanos()) {
            Path file = folder.resolve("sync-" + syncs);
            try (FileChannel channel =
                    FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                channel.write(content.clear());
                channel.force(true);
            }
            Files.delete(file);
            syncs++;
        }
        return syncs / ((System.nanoTime() - began) / 1e9);
    }
}
