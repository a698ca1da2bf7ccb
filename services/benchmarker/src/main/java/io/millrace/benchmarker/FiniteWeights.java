package io.millrace.benchmarker;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.MalformedFileException.Kind;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Reads every weight of a finished artifact once and refuses NaN and infinity. The stage that made it refused them in
 * its source, so here the recipe's format could not hold a number.
 */
final class FiniteWeights {
    private static final long BLOCK_BYTES = 4L << 20;

    private FiniteWeights() {}

    static void check(WeightSource weights, String artifact) throws IOException, InterruptedException {
        for (TensorSpec tensor : weights.tensors()) {
            check(weights, tensor, artifact);
        }
    }

    private static void check(WeightSource weights, TensorSpec tensor, String artifact)
            throws IOException, InterruptedException {
        long rowLength = tensor.shape().rowLength();
        long rows = tensor.shape().rows();
        long perBlock = Math.max(1, BLOCK_BYTES / (rowLength * Float.BYTES));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(Math.min(perBlock, rows) * rowLength * Float.BYTES, Long.BYTES);
            for (long from = 0; from < rows; from += perBlock) {
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
                long to = Math.min(rows, from + perBlock);
                weights.read(tensor.name(), from, to, buffer);
                for (long i = 0; i < (to - from) * rowLength; i++) {
                    float weight = buffer.getAtIndex(ValueLayout.JAVA_FLOAT, i);
                    if (!Float.isFinite(weight)) {
                        throw new MalformedFileException(
                                Kind.UNSUPPORTED,
                                artifact,
                                "tensor '" + tensor.name() + "' reads back as " + weight + " in row "
                                        + (from + i / rowLength) + ", column " + i % rowLength
                                        + ", expected finite numbers; the original's weights do not fit this type,"
                                        + " choose another");
                    }
                }
            }
        }
    }
}
