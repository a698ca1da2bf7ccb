package io.millrace.tensors.format.compressed;

import io.millrace.tensors.DType;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.kernel.pack.GroupFormat;
import io.millrace.tensors.kernel.pack.RoundingLoss;
import io.millrace.tensors.kernel.pack.VectorGroups;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Integers in groups, packed into words: the format {@code pack-quantized}.
 *
 * <pre>
 * M.weight_packed  I32 [out, in * bits / 32]   codes + 2^(bits - 1), element i of a row at bit i * bits, low bits first
 * M.weight_scale   BF16 or F16 [out, in / 128] largest magnitude of the group / 7.5 (4 bits) or 127.5 (8 bits);
 *                                              asymmetric: distance of its least and largest weight, or 0, / 15
 * M.weight_shape   I64 [2]                     out, in
 * M.weight_zero_point                          asymmetric only: {@link ZeroPoints}
 * </pre>
 */
record PackedGroups(GroupFormat format) implements ModuleLayout {
    private static final ValueLayout.OfLong FILE_LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    @Override
    public int rowMultiple() {
        return GroupFormat.GROUP;
    }

    @Override
    public int rowsTogether() {
        return format.symmetric() ? 1 : ZeroPoints.rowsPerWord(format.bits());
    }

    @Override
    public List<TensorSpec> tensors(TensorRule rule) {
        long out = rule.shape().extent(0);
        long in = rule.shape().extent(1);
        String module = rule.module();
        List<TensorSpec> specs = new ArrayList<>();
        specs.add(TensorSpec.plain(
                module + QuantizationConfig.WEIGHT_PACKED, DType.I32, Shape.of(out, in / format.codesPerWord())));
        Shape groups = Shape.of(out, in / GroupFormat.GROUP);
        specs.add(TensorSpec.plain(module + QuantizationConfig.WEIGHT_SCALE, format.scaleType(), groups));
        specs.add(TensorSpec.plain(module + QuantizationConfig.WEIGHT_SHAPE, DType.I64, Shape.of(2)));
        if (!format.symmetric()) {
            Shape words = Shape.of(Math.ceilDiv(out, ZeroPoints.rowsPerWord(format.bits())), groups.extent(1));
            specs.add(TensorSpec.plain(module + QuantizationConfig.WEIGHT_ZERO_POINT, DType.I32, words));
        }
        return specs;
    }

    @Override
    public List<Part> head(TensorRule rule) {
        return shape(rule);
    }

    static List<Part> shape(TensorRule rule) {
        MemorySegment shape = MemorySegment.ofArray(new byte[2 * Long.BYTES]);
        shape.set(FILE_LONG, 0, rule.shape().extent(0));
        shape.set(FILE_LONG, Long.BYTES, rule.shape().extent(1));
        return List.of(new Part(QuantizationConfig.WEIGHT_SHAPE, shape));
    }

    @Override
    public Block quantize(float[] weights, int rowLength, BlockBuffers buffers) {
        int groups = weights.length / GroupFormat.GROUP;
        byte[] packed = buffers.take(Math.toIntExact(format.packedRowBytes(weights.length)));
        MemorySegment scales = buffers.segment(groups * Short.BYTES);
        byte[] zeroPoints = new byte[groups];
        RoundingLoss loss = new RoundingLoss();
        new VectorGroups(format).quantize(weights, groups, packed, scales, zeroPoints, loss);
        List<Part> parts = new ArrayList<>();
        parts.add(new Part(QuantizationConfig.WEIGHT_PACKED, MemorySegment.ofArray(packed)));
        parts.add(new Part(QuantizationConfig.WEIGHT_SCALE, scales));
        if (!format.symmetric()) {
            MemorySegment words = ZeroPoints.pack(zeroPoints, rowLength / GroupFormat.GROUP, format.bits());
            parts.add(new Part(QuantizationConfig.WEIGHT_ZERO_POINT, words));
        }
        return new Block(parts, loss);
    }
}
