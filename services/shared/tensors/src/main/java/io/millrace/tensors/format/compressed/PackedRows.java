package io.millrace.tensors.format.compressed;

import io.millrace.tensors.DType;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.kernel.LaneBytes;
import io.millrace.tensors.kernel.pack.RoundingLoss;
import io.millrace.tensors.kernel.pack.RowFormat;
import io.millrace.tensors.kernel.pack.VectorRows;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** The format {@code pack-quantized} as in {@link PackedGroups}, with one scale for a whole row. */
record PackedRows(RowFormat format) implements ModuleLayout {
    /** What consumers' kernels for packed weights take at a time. */
    private static final int ROW_MULTIPLE = 128;

    @Override
    public int rowMultiple() {
        return ROW_MULTIPLE;
    }

    @Override
    public int rowsTogether() {
        return format.symmetric() ? 1 : ZeroPoints.rowsPerWord(format.code().bits());
    }

    @Override
    public List<TensorSpec> tensors(TensorRule rule) {
        long out = rule.shape().extent(0);
        long in = rule.shape().extent(1);
        int bits = format.code().bits();
        String module = rule.module();
        List<TensorSpec> specs = new ArrayList<>();
        specs.add(TensorSpec.plain(
                module + QuantizationConfig.WEIGHT_PACKED, DType.I32, Shape.of(out, in * bits / Integer.SIZE)));
        specs.add(TensorSpec.plain(module + QuantizationConfig.WEIGHT_SCALE, format.scaleType(), Shape.of(out, 1)));
        specs.add(TensorSpec.plain(module + QuantizationConfig.WEIGHT_SHAPE, DType.I64, Shape.of(2)));
        if (!format.symmetric()) {
            Shape words = Shape.of(Math.ceilDiv(out, ZeroPoints.rowsPerWord(bits)), 1);
            specs.add(TensorSpec.plain(module + QuantizationConfig.WEIGHT_ZERO_POINT, DType.I32, words));
        }
        return specs;
    }

    @Override
    public List<Part> head(TensorRule rule) {
        return PackedGroups.shape(rule);
    }

    @Override
    public Block quantize(float[] weights, int rowLength, BlockBuffers buffers) {
        int rows = weights.length / rowLength;
        byte[] codes = buffers.take(weights.length);
        MemorySegment scales = MemorySegment.ofArray(new byte[rows * Short.BYTES]);
        byte[] zeroPoints = new byte[rows];
        RoundingLoss loss = new RoundingLoss();
        new VectorRows(format).quantize(weights, rowLength, codes, scales, zeroPoints, loss);
        List<Part> parts = new ArrayList<>();
        parts.add(new Part(QuantizationConfig.WEIGHT_PACKED, MemorySegment.ofArray(packed(codes, buffers))));
        parts.add(new Part(QuantizationConfig.WEIGHT_SCALE, scales));
        if (!format.symmetric()) {
            parts.add(new Part(
                    QuantizationConfig.WEIGHT_ZERO_POINT,
                    ZeroPoints.pack(zeroPoints, 1, format.code().bits())));
        }
        return new Block(parts, loss);
    }

    /** Codes + 2^(bits - 1), lowest bits first; in little-endian words that is byte after byte. */
    private byte[] packed(byte[] codes, BlockBuffers buffers) {
        if (format.code().bits() == Byte.SIZE) {
            for (int i = 0; i < codes.length; i++) {
                codes[i] ^= (byte) 0x80;
            }
            return codes;
        }
        for (int i = 0; i < codes.length; i++) {
            codes[i] = (byte) (codes[i] + 8);
        }
        byte[] packed = buffers.take(codes.length / 2);
        LaneBytes.packNibbles(codes, codes.length, packed, 0);
        buffers.give(codes);
        return packed;
    }
}
