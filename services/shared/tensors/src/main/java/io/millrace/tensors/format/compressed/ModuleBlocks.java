package io.millrace.tensors.format.compressed;

import io.millrace.tensors.DType;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.DenseBlock;
import io.millrace.tensors.checkpoint.RowBlocks;
import io.millrace.tensors.kernel.pack.RoundingLoss;
import java.io.IOException;
import java.util.List;

/**
 * Tensors' rows as the parts of their modules' tensors, block after block. What a method returns is complete only when
 * {@link #finish} has returned: the last blocks of one tensor are computed beside the first of the next.
 */
final class ModuleBlocks implements AutoCloseable {
    private final Checkpoint source;
    private final RowBlocks rows;
    private final LargestOfMerged merged;
    private final BlockBuffers buffers = new BlockBuffers();

    /** Takes a finished block. */
    interface Sink {
        void accept(ModuleLayout.Block block) throws IOException;
    }

    ModuleBlocks(Checkpoint source, int threads) {
        this.source = source;
        this.rows = new RowBlocks(source, threads);
        this.merged = new LargestOfMerged(source.rules(), rows::largest);
    }

    RoundingLoss quantize(TensorRule rule, ModuleLayout layout, Sink sink) throws IOException, InterruptedException {
        int rowLength = Math.toIntExact(rule.shape().rowLength());
        return write(
                rule,
                layout.rowsTogether(),
                (fromRow, weights) -> layout.quantize(weights, rowLength, buffers),
                block -> {
                    sink.accept(block);
                    buffers.give(block);
                });
    }

    RoundingLoss convert(TensorRule rule, DType type, Sink sink) throws IOException, InterruptedException {
        String suffix = rule.name().substring(rule.module().length());
        return write(
                rule,
                1,
                (fromRow, weights) -> {
                    DenseBlock dense = DenseBlock.of(source, rule, fromRow, weights, weights, type);
                    return new ModuleLayout.Block(List.of(new ModuleLayout.Part(suffix, dense.bytes())), dense.loss());
                },
                sink);
    }

    /** The largest magnitude in a tensor and in those that consumers merge with it. */
    float largestOfMerged(TensorRule rule) throws IOException, InterruptedException {
        return merged.of(rule);
    }

    private RoundingLoss write(TensorRule rule, int rowsTogether, RowBlocks.Work<ModuleLayout.Block> work, Sink sink)
            throws IOException, InterruptedException {
        RoundingLoss total = new RoundingLoss();
        rows.begin(rule, rowsTogether, work, block -> {
            sink.accept(block);
            total.add(block.loss());
        });
        return total;
    }

    void finish() throws IOException, InterruptedException {
        rows.finish();
    }

    @Override
    public void close() {
        rows.close();
    }
}
