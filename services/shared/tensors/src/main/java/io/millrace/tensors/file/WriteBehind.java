package io.millrace.tensors.file;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;

/**
 * Sends a file to the disk while the rest of it is still being computed, so that the end waits for the last piece only. What
 * fails in between is thrown by the next call: the system reports a lost page once. For one writing thread.
 */
final class WriteBehind {
    private static final long PIECE_BYTES = 32L << 20;

    private final Forcing file;
    private long unforcedBytes;
    private @Nullable FutureTask<@Nullable Void> forcing;

    /** {@link java.nio.channels.FileChannel#force}. */
    @FunctionalInterface
    interface Forcing {
        void force(boolean metadata) throws IOException;
    }

    WriteBehind(Forcing file) {
        this.file = file;
    }

    /** Tells of bytes that were written. */
    void written(long bytes) throws IOException {
        unforcedBytes += bytes;
        if (unforcedBytes < PIECE_BYTES || (forcing != null && !forcing.isDone())) {
            return;
        }
        await();
        unforcedBytes = 0;
        FutureTask<@Nullable Void> next = new FutureTask<>(() -> {
            file.force(false);
            return null;
        });
        forcing = next;
        Thread.ofPlatform().daemon().name("write-behind").start(next);
    }

    /** Forces all of the file. */
    void finish() throws IOException {
        await();
        file.force(true);
    }

    private void await() throws IOException {
        if (forcing == null) {
            return;
        }
        try {
            forcing.get();
        } catch (InterruptedException interrupt) {
            Thread.currentThread().interrupt();
            // What a channel itself throws.
            throw new ClosedByInterruptException();
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof IOException problem) {
                throw problem;
            }
            throw new IllegalStateException(failed);
        }
    }
}
