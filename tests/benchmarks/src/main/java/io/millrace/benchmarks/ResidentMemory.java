package io.millrace.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * The most memory that this process itself held while this was open: RssAnon + RssShmem, sampled. Pages of mapped files
 * do not count: the system takes them back when it likes.
 */
final class ResidentMemory implements AutoCloseable {
    private static final Duration BETWEEN_SAMPLES = Duration.ofMillis(20);

    private final Thread sampling =
            Thread.ofPlatform().daemon().name("resident-memory").start(this::sample);
    private volatile long peakKibibytes;

    double peakMebibytes() {
        return peakKibibytes / 1024.0;
    }

    private void sample() {
        try {
            while (true) {
                peakKibibytes = Math.max(peakKibibytes, kibibytes(ProcessHandle.current()));
                Thread.sleep(BETWEEN_SAMPLES);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    static double mebibytes(ProcessHandle process) {
        return kibibytes(process) / 1024.0;
    }

    private static long kibibytes(ProcessHandle process) {
        try {
            return Files.readAllLines(Path.of("/proc", Long.toString(process.pid()), "status")).stream()
                    .filter(line -> line.startsWith("RssAnon:") || line.startsWith("RssShmem:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
                    .sum();
        } catch (IOException e) {
            return 0; // No such file but on Linux: then the figure is 0 and says so.
        }
    }

    @Override
    public void close() {
        sampling.interrupt();
        try {
            sampling.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
