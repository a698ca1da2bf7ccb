package io.millrace.pruner.method;

import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.checkpoint.Checkpoint;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Visits a tensor in blocks of whole rows, a few mebibytes each, widened to F32 and known to be finite. */
final class RowBlocks {
    private static final long BLOCK_BYTES = 4L << 20;

    /** Sees rows {@code [from, from + count)} as {@code floats} [count, rowLength] f32. */
    interface Visitor {
        void visit(long from, int count, MemorySegment floats) throws IOException;
    }

    private RowBlocks() {}

    static void forEach(Checkpoint checkpoint, String tensor, Visitor visitor)
            throws IOException, InterruptedException {
        TensorSpec spec = checkpoint.spec(tensor);
        long rowBytes = spec.shape().rowLength() * Float.BYTES;
        long rows = spec.shape().rows();
        long perBlock = Math.max(1, BLOCK_BYTES / Math.max(1, rowBytes));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(Math.min(perBlock, rows) * rowBytes, Long.BYTES);
            for (long from = 0; from < rows; from += perBlock) {
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
                int count = (int) Math.min(perBlock, rows - from);
                MemorySegment floats = buffer.asSlice(0, count * rowBytes);
                checkpoint.readFinite(tensor, from, from + count, floats);
                visitor.visit(from, count, floats);
            }
        }
    }
}
