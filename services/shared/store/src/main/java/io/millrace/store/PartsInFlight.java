package io.millrace.store;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Requests of one thread that run beside each other, a few at a time, and end in the order in which they began. When it
 * is closed none runs any more: what failed has interrupted the others.
 */
final class PartsInFlight<T> implements AutoCloseable {
    private final int most;
    private final Queue<Future<T>> underWay = new ArrayDeque<>();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    PartsInFlight(int most) {
        this.most = most;
    }

    /** Begins a request, and before that waits for the oldest, whose answer it is, if there are enough. */
    Optional<T> add(Callable<T> request) throws IOException {
        Optional<T> oldest = underWay.size() < most ? Optional.empty() : Optional.of(end(underWay.remove()));
        underWay.add(threads.submit(request));
        return oldest;
    }

    /** The answers that are not given yet. */
    List<T> rest() throws IOException {
        List<T> answers = new ArrayList<>();
        while (!underWay.isEmpty()) {
            answers.add(end(underWay.remove()));
        }
        return answers;
    }

    private static <T> T end(Future<T> request) throws IOException {
        try {
            return request.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while a part was on its way");
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException cause ? cause : new IOException(e.getCause());
        }
    }

    @Override
    public void close() {
        threads.shutdownNow();
        threads.close();
    }
}
