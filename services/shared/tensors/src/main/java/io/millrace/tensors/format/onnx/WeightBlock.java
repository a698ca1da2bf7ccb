package io.millrace.tensors.format.onnx;

import io.millrace.tensors.DType;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.kernel.convert.Conversion;
import io.millrace.tensors.kernel.gguf.Deviation;
import io.millrace.tensors.kernel.onnx.NBits;
import io.millrace.tensors.kernel.onnx.NBitsBlocks;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Rows {@code [from, to)} of a weight on their way into the file: read, checked, quantized, and measured by reading back
 * what was written. A piece of work of about a megabyte that no other piece depends on.
 */
record WeightBlock(PlannedWeight weight, long from, long to) {
    /** About the weights of a block: 1 MiB of F32, which the caches hold from reading to reading back. */
    private static final long ELEMENTS = 1 << 18;

    private static final ValueLayout.OfFloat FILE_FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** What a block needs; reused from block to block. */
    static final class Buffers {
        private float[] values = new float[0];
        /** The numbers that were stored. */
        private float[] stored = new float[0];

        private float[] scales = new float[0];
        private byte[] data = new byte[0];
        private byte[] scaleBytes = new byte[0];

        byte[] data() {
            return data;
        }

        byte[] scaleBytes() {
            return scaleBytes;
        }

        private void grow(int elements) {
            if (values.length < elements) {
                int blocks = elements / NBitsBlocks.ELEMENTS;
                values = new float[elements];
                stored = new float[elements];
                scales = new float[blocks];
                data = new byte[elements * Float.BYTES];
                scaleBytes = new byte[blocks * Float.BYTES];
            }
        }
    }

    static long rowsPerBlock(PlannedWeight weight) {
        return Math.max(1, ELEMENTS / Math.max(1, weight.shape().rowLength()));
    }

    private int elements() {
        return Math.toIntExact(Math.multiplyExact(to - from, weight.shape().rowLength()));
    }

    /** Bytes of the data or codes of these rows. */
    int dataBytes() {
        return part(weight.data());
    }

    /** Bytes of the scales of these rows; 0 if they have none. */
    int scaleByteCount() {
        return weight.scales().map(this::part).orElse(0);
    }

    private int part(ExternalTensor tensor) {
        return Math.toIntExact(tensor.byteSize() / weight.shape().rows() * (to - from));
    }

    /** Where the data of these rows begin in the file. */
    long dataOffset() {
        return offset(weight.data());
    }

    long scaleOffset() {
        return offset(weight.scales().orElseThrow());
    }

    private long offset(ExternalTensor tensor) {
        return tensor.offset() + tensor.byteSize() / weight.shape().rows() * from;
    }

    /** Fills {@code data} and {@code scaleBytes} of the buffers. */
    Deviation compute(Checkpoint checkpoint, Buffers buffers) throws IOException {
        int elements = elements();
        buffers.grow(elements);
        switch (weight.source()) {
            case PlannedWeight.Codes(TensorRule rule, int bits) -> {
                read(checkpoint, rule, buffers, elements);
                NBitsBlocks.quantize(bits, buffers.values, elements, buffers.data, buffers.scales);
                new NBits(bits, NBitsBlocks.ELEMENTS)
                        .dequantize(buffers.data, buffers.scales, elements, buffers.stored);
                int blocks = elements / NBitsBlocks.ELEMENTS;
                MemorySegment.copy(buffers.scales, 0, MemorySegment.ofArray(buffers.scaleBytes), FILE_FLOAT, 0, blocks);
            }
            case PlannedWeight.Dense(TensorRule rule, DType type, boolean offset) -> {
                read(checkpoint, rule, buffers, elements);
                for (int i = 0; offset && i < elements; i++) {
                    buffers.values[i] += 1;
                }
                narrow(type, buffers, elements);
                Conversion.widen(
                        type, MemorySegment.ofArray(buffers.data), MemorySegment.ofArray(buffers.stored), elements);
            }
            case PlannedWeight.Turns(RotaryTable table, boolean sine) -> {
                table.fill(sine, from, to, buffers.values);
                narrow(DType.F32, buffers, elements);
                return Deviation.NONE;
            }
        }
        return Deviation.measure(buffers.values, buffers.stored, elements);
    }

    private static void narrow(DType type, Buffers buffers, int elements) {
        Conversion.narrow(type, MemorySegment.ofArray(buffers.values), MemorySegment.ofArray(buffers.data), elements);
    }

    private void read(Checkpoint checkpoint, TensorRule rule, Buffers buffers, int elements) throws IOException {
        MemorySegment target = MemorySegment.ofArray(buffers.values).asSlice(0, (long) elements * Float.BYTES);
        checkpoint.readFinite(rule.name(), from, to, target);
    }
}
