package io.millrace.cli;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Ctrl-C or SIGTERM, turned into a value that the main thread waits for, so that it can stop things in order. The JVM
 * ends when {@link #close} was called, or when that takes too long.
 */
final class StopSignal implements AutoCloseable {
    private static final long LONGEST_STOP_SECONDS = 45;

    private final CompletableFuture<String> why = new CompletableFuture<>();
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile boolean asked;

    private StopSignal() {}

    static StopSignal install() {
        StopSignal signal = new StopSignal();
        Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().name("stop").unstarted(signal::onShutdown));
        return signal;
    }

    /** Stops because of something inside. */
    void raise(String reason) {
        why.complete(reason);
    }

    /** What to do when it is raised; at once if it already was. */
    void onRaise(Runnable action) {
        var _ = why.thenRun(action);
    }

    String await() {
        return why.join();
    }

    /** True if a person or the system asked. */
    boolean asked() {
        return asked;
    }

    @Override
    public void close() {
        closed.countDown();
    }

    private void onShutdown() {
        if (closed.getCount() == 0) {
            return;
        }
        asked = true;
        why.complete("asked to");
        try {
            closed.await(LONGEST_STOP_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
