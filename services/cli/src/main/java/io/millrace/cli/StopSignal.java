package io.millrace.cli;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Ctrl-C or SIGTERM, turned into a value that the main thread waits for, so that it can stop things in order. The JVM
 * ends when {@link #close} was called, or when that takes too long; what runs until it is stopped then ends with 0,
 * since it did as it was told, and anything else as the signal has it: 130 or 143.
 */
final class StopSignal implements AutoCloseable {
    private static final long LONGEST_STOP_SECONDS = 45;

    private final CompletableFuture<String> why = new CompletableFuture<>();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final boolean ofService;
    private volatile boolean asked;

    private StopSignal(boolean ofService) {
        this.ofService = ofService;
    }

    /** Of a command that is not done when it is stopped. */
    static StopSignal install() {
        return install(false);
    }

    /** Of a command that runs until it is stopped. */
    static StopSignal installForService() {
        return install(true);
    }

    private static StopSignal install(boolean ofService) {
        StopSignal signal = new StopSignal(ofService);
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

    /** True if there is a reason to stop. */
    boolean raised() {
        return why.isDone();
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
            if (closed.await(LONGEST_STOP_SECONDS, TimeUnit.SECONDS) && ofService) {
                Runtime.getRuntime().halt(ExitCode.OK);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
