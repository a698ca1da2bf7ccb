package io.millrace.tensors.checkpoint;

import io.millrace.tensors.DType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.kernel.convert.Conversion;
import io.millrace.tensors.kernel.pack.DenseLoss;
import io.millrace.tensors.kernel.pack.RoundingLoss;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** Rows in a type of weights, and what that did to the weights from which they came. */
public record DenseBlock(MemorySegment bytes, RoundingLoss loss) {
    /**
     * Narrows numbers to a type; one that is too large for it is refused by its place.
     *
     * @param fromRow of the tensor, where the block begins
     * @param weights as the source has them
     * @param numbers in their place, as many
     */
    public static DenseBlock of(
            Checkpoint source, TensorRule rule, long fromRow, float[] weights, float[] numbers, DType type)
            throws IOException {
        MemorySegment bytes = MemorySegment.ofArray(new byte[Math.multiplyExact(numbers.length, type.bytes())]);
        Conversion.narrow(type, MemorySegment.ofArray(numbers), bytes, numbers.length);
        float[] read = new float[numbers.length];
        Conversion.widen(type, bytes, MemorySegment.ofArray(read), read.length);
        long overflow = Conversion.firstNonFinite(MemorySegment.ofArray(read), read.length);
        if (overflow >= 0) {
            long rowLength = rule.shape().rowLength();
            throw new MalformedFileException(
                    source.folder(),
                    -1,
                    "tensor '" + rule.name() + "' holds " + numbers[(int) overflow] + " in row "
                            + (fromRow + overflow / rowLength) + ", which " + type + " cannot hold");
        }
        RoundingLoss loss = new RoundingLoss();
        DenseLoss.measure(weights, read, read.length, loss);
        return new DenseBlock(bytes, loss);
    }
}
