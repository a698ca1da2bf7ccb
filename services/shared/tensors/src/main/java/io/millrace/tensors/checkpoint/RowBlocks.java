package io.millrace.tensors.checkpoint;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.architecture.TensorRule;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Works on a tensor in blocks of rows: several threads compute, the caller's thread takes the blocks in order. The cut
 * into blocks depends on the row length and the format alone, and at most threads + 1 blocks exist at a time.
 */
public final class RowBlocks implements AutoCloseable {
    /** One MiB of floats: large writes, and small enough to stay in a core's cache between the passes. */
    private static final int BLOCK_ELEMENTS = 1 << 18;

    private final Checkpoint source;
    private final int threads;
    private final ExecutorService pool;
    /** Read into again: fresh memory would not be in the cache. At most one for each thread. */
    private final Queue<float[]> idle = new ConcurrentLinkedQueue<>();

    /** What becomes of a block's finite weights, which it must not keep; called from several threads. */
    @FunctionalInterface
    public interface Work<T> {
        T on(long fromRow, float[] weights) throws IOException;
    }

    /** Takes what became of a block. */
    @FunctionalInterface
    public interface Results<T> {
        void accept(T result) throws IOException;
    }

    public RowBlocks(Checkpoint source, int threads) {
        this.source = source;
        this.threads = threads;
        this.pool = Executors.newFixedThreadPool(
                threads, Thread.ofPlatform().name("row-blocks-", 0).daemon().factory());
    }

    /** The largest magnitude in a tensor. */
    public float largest(TensorRule rule) throws IOException, InterruptedException {
        float[] largest = new float[1];
        inOrder(
                rule,
                1,
                (fromRow, weights) -> largest(weights),
                magnitude -> largest[0] = Math.max(largest[0], magnitude));
        return largest[0];
    }

    private static float largest(float[] weights) {
        float largest = 0;
        for (float weight : weights) {
            largest = Math.max(largest, Math.abs(weight));
        }
        return largest;
    }

    /** @param rowsTogether no block ends within so many rows, but the last */
    public <T> void inOrder(TensorRule rule, int rowsTogether, Work<T> work, Results<T> results)
            throws IOException, InterruptedException {
        long rows = rule.shape().rows();
        long step = Math.max(1, BLOCK_ELEMENTS / Math.max(1, rule.shape().rowLength()));
        step = Math.ceilDiv(step, rowsTogether) * rowsTogether;
        Deque<Future<T>> pending = new ArrayDeque<>();
        long next = 0;
        while (next < rows || !pending.isEmpty()) {
            while (next < rows && pending.size() <= threads) {
                long from = next;
                long to = Math.min(rows, from + step);
                pending.add(pool.submit(() -> on(rule, from, to, work)));
                next = to;
            }
            results.accept(take(pending.remove()));
        }
    }

    private <T> T on(TensorRule rule, long from, long to, Work<T> work) throws IOException {
        int elements = Math.toIntExact((to - from) * rule.shape().rowLength());
        float[] last = idle.poll();
        float[] weights = last != null && last.length == elements ? last : new float[elements];
        read(rule, from, to, weights);
        T result = work.on(from, weights);
        idle.add(weights);
        return result;
    }

    private void read(TensorRule rule, long from, long to, float[] weights) throws MalformedFileException {
        MemorySegment segment = MemorySegment.ofArray(weights);
        source.read(rule.name(), from, to, segment);
        source.requireFinite(rule.name(), from, segment);
    }

    private static <T> T take(Future<T> block) throws IOException, InterruptedException {
        try {
            return block.get();
        } catch (ExecutionException failure) {
            if (failure.getCause() instanceof IOException problem) {
                throw problem;
            }
            throw new IllegalStateException("a block of rows could not be computed", failure.getCause());
        }
    }

    @Override
    public void close() {
        // Blocks that still run only compute; they end by themselves within milliseconds.
        pool.shutdownNow();
        pool.close();
    }
}
