package io.millrace.tensors.format.compressed;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.kernel.convert.Float4;
import io.millrace.tensors.kernel.convert.Float8;
import io.millrace.tensors.kernel.pack.PowerOfTwoScale;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** The rows of one quantized weight as F32: (code - zero point) * scale. */
record QuantizedRows(FolderTensors stored, TensorRule rule, StoredFormat.Modules modules) {
    private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    void read(long row, MemorySegment destination) throws MalformedFileException {
        float[] scales = scales(row);
        switch (modules.kind()) {
            case PACKED_INTEGERS -> unpackIntegers(row, scales, destination);
            case INTEGERS, FLOATS -> scaleBytes(row, scales, destination);
            case MX_FLOATS, NV_FLOATS -> unpackFloats(row, scales, destination);
        }
    }

    /** The scales of a row's groups. */
    private float[] scales(long row) throws MalformedFileException {
        long rowLength = rule.shape().rowLength();
        float[] scales = new float[Math.toIntExact(Math.ceilDiv(rowLength, modules.groupLength(rowLength)))];
        String name = rule.module() + QuantizationConfig.WEIGHT_SCALE;
        long scaleRow = modules.scaleRow(row);
        MemorySegment bytes = stored.row(name, scaleRow);
        switch (modules.kind()) {
            case MX_FLOATS -> {
                for (int group = 0; group < scales.length; group++) {
                    scales[group] = PowerOfTwoScale.value(bytes.get(ValueLayout.JAVA_BYTE, group));
                }
            }
            case NV_FLOATS -> {
                float global = stored.globalScale(rule);
                for (int group = 0; group < scales.length; group++) {
                    scales[group] = Float8.fromE4m3(bytes.get(ValueLayout.JAVA_BYTE, group)) / global;
                }
            }
            case PACKED_INTEGERS, INTEGERS, FLOATS ->
                stored.widen(name, scaleRow, scaleRow + 1, MemorySegment.ofArray(scales));
        }
        for (float scale : scales) {
            if (!Float.isFinite(scale)) {
                throw FolderTensors.problem(
                        name, "holds " + scale + " in row " + scaleRow + ", expected a finite number");
            }
        }
        return scales;
    }

    private void unpackIntegers(long row, float[] scales, MemorySegment destination) {
        MemorySegment words = stored.row(rule.module() + QuantizationConfig.WEIGHT_PACKED, row);
        int groupLength = Math.toIntExact(modules.groupLength(rule.shape().rowLength()));
        int bits = modules.code().bits();
        long wordRow = row / (Integer.SIZE / bits);
        MemorySegment zeroWords = modules.symmetric()
                ? MemorySegment.NULL
                : stored.row(rule.module() + QuantizationConfig.WEIGHT_ZERO_POINT, wordRow);
        // The code that means 0 in each group, as it is stored: with 2^(bits - 1) added.
        int[] zeros = new int[scales.length];
        for (int group = 0; group < scales.length; group++) {
            zeros[group] = modules.symmetric()
                    ? 1 << (bits - 1)
                    : code(zeroWords, (long) group * Integer.BYTES, (int) (row % (Integer.SIZE / bits)), bits);
        }
        if (modules.indexed()) {
            int[] groupOf = stored.groupIndex(rule);
            for (int i = 0; i < groupOf.length; i++) {
                set(destination, i, (code(words, 0, i, bits) - zeros[groupOf[i]]) * scales[groupOf[i]]);
            }
            return;
        }
        for (int group = 0; group < scales.length; group++) {
            for (int i = group * groupLength; i < (group + 1) * groupLength; i++) {
                set(destination, i, (code(words, 0, i, bits) - zeros[group]) * scales[group]);
            }
        }
    }

    private void scaleBytes(long row, float[] scales, MemorySegment destination) throws MalformedFileException {
        MemorySegment codes = stored.row(rule.name(), row);
        long rowLength = rule.shape().rowLength();
        int groupLength = Math.toIntExact(modules.groupLength(rowLength));
        for (int i = 0; i < rowLength; i++) {
            float value = modules.code().value(codes.get(ValueLayout.JAVA_BYTE, i));
            if (Float.isNaN(value)) {
                throw FolderTensors.problem(
                        rule.name(), "holds NaN in row " + row + ", column " + i + ", expected a number");
            }
            set(destination, i, value * scales[i / groupLength]);
        }
    }

    private void unpackFloats(long row, float[] scales, MemorySegment destination) {
        MemorySegment codes = stored.row(rule.module() + QuantizationConfig.WEIGHT_PACKED, row);
        for (int i = 0; i < rule.shape().rowLength(); i++) {
            int pair = codes.get(ValueLayout.JAVA_BYTE, i / 2);
            float value = Float4.fromE2m1((byte) (i % 2 == 0 ? pair : pair >> 4));
            set(destination, i, value * scales[i / modules.groupSize()]);
        }
    }

    private static void set(MemorySegment destination, int index, float value) {
        destination.set(ValueLayout.JAVA_FLOAT_UNALIGNED, (long) index * Float.BYTES, value);
    }

    /** Code number {@code index} of a stream of words that begins at {@code offset}. */
    private static int code(MemorySegment words, long offset, int index, int bits) {
        long bit = (long) index * bits;
        int word = words.get(WORD, offset + bit / Integer.SIZE * Integer.BYTES);
        return (word >>> (int) (bit % Integer.SIZE)) & ((1 << bits) - 1);
    }
}
