package io.millrace.tensors.format.compressed;

import io.millrace.tensors.DType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.kernel.convert.Conversion;
import io.millrace.tensors.kernel.pack.DenseLoss;
import io.millrace.tensors.kernel.pack.RoundingLoss;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Works on a tensor in blocks of rows: several threads compute, the caller's thread takes the blocks in order. The cut
 * into blocks depends on the row length and the format alone, and at most threads + 1 blocks exist at a time.
 */
final class RowBlocks implements AutoCloseable {
    /** One MiB of floats: large writes, and small enough to stay in a core's cache between the passes. */
    private static final int BLOCK_ELEMENTS = 1 << 18;

    private final Checkpoint source;
    private final int threads;
    private final ExecutorService pool;

    /** Takes a finished block. */
    interface Sink {
        void accept(ModuleLayout.Block block) throws IOException;
    }

    private interface Work<T> {
        T on(long fromRow, float[] weights) throws IOException;
    }

    private interface Results<T> {
        void accept(T result) throws IOException;
    }

    RowBlocks(Checkpoint source, int threads) {
        this.source = source;
        this.threads = threads;
        this.pool = Executors.newFixedThreadPool(
                threads, Thread.ofPlatform().name("row-blocks-", 0).daemon().factory());
    }

    RoundingLoss quantize(TensorRule rule, ModuleLayout layout, Sink sink) throws IOException, InterruptedException {
        int rowLength = Math.toIntExact(rule.shape().rowLength());
        return write(rule, layout.rowsTogether(), (fromRow, weights) -> layout.quantize(weights, rowLength), sink);
    }

    RoundingLoss convert(TensorRule rule, DType type, Sink sink) throws IOException, InterruptedException {
        return write(rule, 1, (fromRow, weights) -> converted(rule, fromRow, weights, type), sink);
    }

    /** The largest magnitude in a tensor. */
    float largest(TensorRule rule) throws IOException, InterruptedException {
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

    private RoundingLoss write(TensorRule rule, int rowsTogether, Work<ModuleLayout.Block> work, Sink sink)
            throws IOException, InterruptedException {
        RoundingLoss total = new RoundingLoss();
        inOrder(rule, rowsTogether, work, block -> {
            sink.accept(block);
            total.add(block.loss());
        });
        return total;
    }

    private <T> void inOrder(TensorRule rule, int rowsTogether, Work<T> work, Results<T> results)
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
                pending.add(pool.submit(() -> work.on(from, read(rule, from, to))));
                next = to;
            }
            results.accept(take(pending.remove()));
        }
    }

    private float[] read(TensorRule rule, long from, long to) throws MalformedFileException {
        float[] weights = new float[Math.toIntExact((to - from) * rule.shape().rowLength())];
        MemorySegment segment = MemorySegment.ofArray(weights);
        source.read(rule.name(), from, to, segment);
        source.requireFinite(rule.name(), from, segment);
        return weights;
    }

    private ModuleLayout.Block converted(TensorRule rule, long fromRow, float[] weights, DType type)
            throws IOException {
        MemorySegment bytes = MemorySegment.ofArray(new byte[weights.length * type.bytes()]);
        Conversion.narrow(type, MemorySegment.ofArray(weights), bytes, weights.length);
        float[] read = Arrays.copyOf(weights, weights.length);
        Conversion.widen(type, bytes, MemorySegment.ofArray(read), read.length);
        long overflow = Conversion.firstNonFinite(MemorySegment.ofArray(read), read.length);
        if (overflow >= 0) {
            long rowLength = rule.shape().rowLength();
            throw new MalformedFileException(
                    source.folder(),
                    -1,
                    "tensor '" + rule.name() + "' holds " + weights[(int) overflow] + " in row "
                            + (fromRow + overflow / rowLength) + ", which " + type + " cannot hold");
        }
        RoundingLoss loss = new RoundingLoss();
        DenseLoss.measure(weights, read, read.length, loss);
        String suffix = rule.name().substring(rule.module().length());
        return new ModuleLayout.Block(List.of(new ModuleLayout.Part(suffix, bytes)), loss);
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
