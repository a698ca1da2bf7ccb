package io.millrace.tensors.format.gguf;

import io.millrace.tensors.GgufType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.kernel.gguf.BlockDequantizer;
import io.millrace.tensors.kernel.gguf.BlockQuantizer;
import io.millrace.tensors.kernel.gguf.Deviation;
import io.millrace.tensors.kernel.gguf.DeviationSums;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The rows {@code [from, to)} of a tensor on their way into a file: read, put in GGUF's order, checked, quantized, and
 * measured by reading back what was written. About a megabyte of work that no other depends on.
 */
record RowBlock(PlannedTensor tensor, long from, long to) {
    /** About the elements of a block: 1 MiB of F32, the least that is worth a write. */
    private static final long ELEMENTS = 1 << 18;

    /** About the elements of a piece: with what is made of them 192 KiB. */
    private static final int PIECE = 1 << 14;

    /** No type whose scales are halves stores a number beyond: 32 × 128 of the largest half, in Q6_K. */
    private static final float LARGEST_STORED = 65504f * 32 * 128;

    /** What a block needs; reused from block to block. */
    static final class Buffers {
        private float[] values = new float[0];
        /** Room to reorder the values; in the end the numbers that were stored. */
        private float[] stored = new float[0];

        private byte[] bytes = new byte[0];

        /** The bytes that were made, against room for others. */
        byte[] exchange(byte @Nullable [] room) {
            byte[] made = bytes;
            bytes = room == null ? new byte[0] : room;
            return made;
        }

        private void swap() {
            float[] reordered = stored;
            stored = values;
            values = reordered;
        }

        private void grow(int elements, int byteCount) {
            if (values.length < elements) {
                values = new float[elements];
                stored = new float[elements];
            }
            if (bytes.length < byteCount) {
                bytes = new byte[byteCount];
            }
        }
    }

    /** Rows per block of a tensor: whole heads where rows are permuted, so that a block holds all that it needs. */
    static long rowsPerBlock(PlannedTensor tensor) {
        long row = tensor.target().shape().rowLength();
        long unit = headSize(tensor);
        return Math.max(1, ELEMENTS / Math.max(1, Math.multiplyExact(row, unit))) * unit;
    }

    private static long headSize(PlannedTensor tensor) {
        return switch (tensor.source()) {
            case PlannedTensor.Stored(TensorRule rule)
            when rule.permutedHeads() > 0 && rule.shape().rank() == 2 ->
                rule.shape().extent(0) / rule.permutedHeads();
            case PlannedTensor.Stored _, PlannedTensor.Stacked _, PlannedTensor.Computed _ -> 1;
        };
    }

    int byteCount() {
        return Math.toIntExact(Math.multiplyExact(to - from, rowBytes()));
    }

    private long rowBytes() {
        return tensor.target().type().rowBytes(tensor.target().shape().rowLength());
    }

    /** Fills the first {@link #byteCount} bytes of the buffers. */
    Deviation quantize(Checkpoint checkpoint, Buffers buffers) throws IOException {
        int elements = Math.toIntExact(
                Math.multiplyExact(to - from, tensor.target().shape().rowLength()));
        buffers.grow(elements, byteCount());
        Deviation deviation = tensor.importance().isEmpty()
                        && tensor.source() instanceof PlannedTensor.Stored(TensorRule rule)
                        && rule.permutedHeads() == 0
                ? inPieces(rule, checkpoint, buffers, elements)
                : atOnce(checkpoint, buffers, elements);
        if (beyondHalves(deviation, buffers, elements)) {
            throw new MalformedFileException(
                    MalformedFileException.Kind.UNSUPPORTED,
                    checkpoint.folder(),
                    "tensor '" + tensor.sourceName() + "' holds " + largest(buffers.values, elements)
                            + ", too large for the half-precision numbers of "
                            + tensor.target().type() + "; choose F32");
        }
        return deviation;
    }

    /** Whether numbers were stored as none, or as others, because no scale can be as large. */
    private boolean beyondHalves(Deviation deviation, Buffers buffers, int elements) {
        // Among finite numbers only those that were stored as none leave such a sum: one look is enough for all.
        if (!Double.isFinite(deviation.errorSquares())) {
            return !finite(buffers.stored, elements);
        }
        return switch (tensor.target().type()) {
            case F32, BF16, MXFP4 -> false;
            // Where squares overflow in the search for a scale, some of these store zeros.
            case F16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS, TQ2_0 ->
                deviation.maxError() > 2 * LARGEST_STORED;
        };
    }

    /** A few rows at a time through all that is done with them: the nearest cache holds them from first to last. */
    private Deviation inPieces(TensorRule rule, Checkpoint checkpoint, Buffers buffers, int elements)
            throws IOException {
        int rowLength = Math.toIntExact(tensor.target().shape().rowLength());
        int rows = Math.max(1, PIECE / Math.max(1, rowLength));
        // Sums of squares have columns; a piece ends with whole ones.
        int piece = Math.multiplyExact(
                rowLength, rows * rowLength % Deviation.COLUMNS == 0 ? rows : rows * Deviation.COLUMNS);
        DeviationSums sums = new DeviationSums();
        for (int begin = 0; begin < elements; begin += piece) {
            int end = Math.min(elements, begin + piece);
            readRows(rule, checkpoint, from + begin / rowLength, buffers.values, begin, end);
            BlockQuantizer.quantize(
                    tensor.target().type(), buffers.values, begin, end - begin, buffers.bytes, bytes(begin));
            measure(buffers, begin, end, sums);
        }
        return sums.deviation();
    }

    private Deviation atOnce(Checkpoint checkpoint, Buffers buffers, int elements) throws IOException {
        GgufType type = tensor.target().type();
        read(checkpoint, buffers, elements);
        if (tensor.importance().isPresent()) {
            quantize(tensor.importance().get(), type, buffers.values, buffers.bytes);
        } else {
            BlockQuantizer.quantize(type, buffers.values, 0, elements, buffers.bytes, 0);
        }
        DeviationSums sums = new DeviationSums();
        measure(buffers, 0, elements, sums);
        return sums.deviation();
    }

    /** Reads back what was written for values[begin, end) and adds what that lost. */
    private void measure(Buffers buffers, int begin, int end, DeviationSums sums) {
        BlockDequantizer.dequantize(
                tensor.target().type(), buffers.bytes, bytes(begin), end - begin, buffers.stored, begin);
        sums.add(buffers.values, buffers.stored, begin, end);
    }

    /** Where the blocks of an element that begins one lie. */
    private int bytes(int element) {
        return Math.toIntExact(tensor.target().type().rowBytes(element));
    }

    private void quantize(Importance importance, GgufType type, float[] values, byte[] bytes) {
        Shape shape = tensor.target().shape();
        int rowLength = Math.toIntExact(shape.rowLength());
        int rowBytes = Math.toIntExact(type.rowBytes(rowLength));
        for (int i = 0; i < to - from; i++) {
            int columns = importance.at(from + i, shape.rows());
            BlockQuantizer.quantize(
                    type, values, i * rowLength, rowLength, importance.values(), columns, bytes, i * rowBytes);
        }
    }

    private void read(Checkpoint checkpoint, Buffers buffers, int elements) throws IOException {
        switch (tensor.source()) {
            case PlannedTensor.Stored(TensorRule rule) -> {
                readRows(rule, checkpoint, from, buffers.values, 0, elements);
                if (rule.permutedHeads() > 0) {
                    int headSize = Math.toIntExact(rule.shape().extent(0) / rule.permutedHeads());
                    int rowLength = rule.shape().rank() == 1
                            ? 1
                            : Math.toIntExact(rule.shape().rowLength());
                    RotaryOrder.interleave(buffers.values, buffers.stored, headSize, rowLength, elements / rowLength);
                    buffers.swap();
                }
            }
            case PlannedTensor.Stacked(List<TensorRule> parts) -> readStack(parts, checkpoint, buffers);
            case PlannedTensor.Computed(var numbers) -> {
                for (int i = 0; i < elements; i++) {
                    buffers.values[i] = numbers.get(i);
                }
            }
        }
    }

    /** Fills values[begin, end), whole rows, from this row on. */
    private void readRows(TensorRule rule, Checkpoint checkpoint, long row, float[] values, int begin, int end)
            throws IOException {
        MemorySegment target =
                MemorySegment.ofArray(values).asSlice((long) Float.BYTES * begin, (long) Float.BYTES * (end - begin));
        long rows = (end - begin) / tensor.target().shape().rowLength();
        checkpoint.readFinite(rule.name(), row, row + rows, target);
        for (int i = begin; rule.ggufOffset() != 0 && i < end; i++) {
            values[i] += rule.ggufOffset();
        }
    }

    /** Rows [from, to) of a stack, which may end one part and begin the next. */
    private void readStack(List<TensorRule> parts, Checkpoint checkpoint, Buffers buffers) throws IOException {
        long rowsPerPart = parts.getFirst().shape().rows();
        long rowBytes = parts.getFirst().shape().rowLength() * Float.BYTES;
        long row = from;
        while (row < to) {
            TensorRule part = parts.get(Math.toIntExact(row / rowsPerPart));
            long first = row % rowsPerPart;
            long end = Math.min(rowsPerPart, first + to - row);
            MemorySegment target =
                    MemorySegment.ofArray(buffers.values).asSlice((row - from) * rowBytes, (end - first) * rowBytes);
            checkpoint.readFinite(part.name(), first, end, target);
            row += end - first;
        }
    }

    private static boolean finite(float[] values, int count) {
        for (int i = 0; i < count; i++) {
            if (!Float.isFinite(values[i])) {
                return false;
            }
        }
        return true;
    }

    /** The number of largest magnitude. */
    private static float largest(float[] values, int count) {
        float largest = 0;
        for (int i = 0; i < count; i++) {
            largest = Math.abs(values[i]) > Math.abs(largest) ? values[i] : largest;
        }
        return largest;
    }
}
