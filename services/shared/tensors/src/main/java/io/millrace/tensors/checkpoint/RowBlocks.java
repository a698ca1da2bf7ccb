package io.millrace.tensors.checkpoint;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.architecture.TensorRule;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Works on tensors in blocks of rows: several threads compute, the caller's thread takes the blocks in order. The cut
 * into blocks depends on the row length and the format alone, and at most twice {@code threads} blocks exist at a time.
 */
public final class RowBlocks implements AutoCloseable {
    /** One MiB of floats: large writes, and small enough to stay in a core's cache between the passes. */
    private static final int BLOCK_ELEMENTS = 1 << 18;

    private final Checkpoint source;
    private final int mostPending;
    private final ExecutorService pool;
    private final Deque<Pending<?>> pending = new ArrayDeque<>();
    /** Read into again, by length: fresh memory would not be in the cache. At most one of a length for each thread. */
    private final Map<Integer, Queue<float[]>> idle = new ConcurrentHashMap<>();

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

    private record Pending<T>(Future<T> block, Results<T> results) {
        void take() throws IOException, InterruptedException {
            results.accept(Outcome.of(block));
        }
    }

    public RowBlocks(Checkpoint source, int threads) {
        this.source = source;
        // As many wait as are in work: no thread is idle while the caller writes.
        this.mostPending = 2 * threads;
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
        begin(rule, rowsTogether, work, results);
        finish();
    }

    /**
     * The same, but returns while the last blocks are still in work, so that those of another tensor can follow at once:
     * what becomes of them is taken in later calls, at the latest in {@link #finish}.
     */
    public <T> void begin(TensorRule rule, int rowsTogether, Work<T> work, Results<T> results)
            throws IOException, InterruptedException {
        long rows = rule.shape().rows();
        long step = Math.max(1, BLOCK_ELEMENTS / Math.max(1, rule.shape().rowLength()));
        step = Math.ceilDiv(step, rowsTogether) * rowsTogether;
        for (long row = 0; row < rows; row += step) {
            if (pending.size() == mostPending) {
                pending.remove().take();
            }
            long from = row;
            long to = Math.min(rows, from + step);
            boolean whole = to - from == step;
            pending.add(new Pending<>(pool.submit(() -> on(rule, from, to, whole, work)), results));
        }
    }

    /** Takes what is still in work. */
    public void finish() throws IOException, InterruptedException {
        while (!pending.isEmpty()) {
            pending.remove().take();
        }
    }

    /** Only arrays of whole blocks are kept, for of other sizes there are as many as tensors. */
    private <T> T on(TensorRule rule, long from, long to, boolean whole, Work<T> work) throws IOException {
        int elements = Math.toIntExact((to - from) * rule.shape().rowLength());
        float[] last = whole ? idle(elements).poll() : null;
        float[] weights = last == null ? new float[elements] : last;
        read(rule, from, to, weights);
        T result = work.on(from, weights);
        if (whole) {
            idle(elements).add(weights);
        }
        return result;
    }

    private Queue<float[]> idle(int elements) {
        return idle.computeIfAbsent(elements, _ -> new ConcurrentLinkedQueue<>());
    }

    private void read(TensorRule rule, long from, long to, float[] weights) throws MalformedFileException {
        source.readFinite(rule.name(), from, to, MemorySegment.ofArray(weights));
    }

    @Override
    public void close() {
        // Blocks that still run only compute; they end by themselves within milliseconds.
        pool.shutdownNow();
        pool.close();
    }
}
