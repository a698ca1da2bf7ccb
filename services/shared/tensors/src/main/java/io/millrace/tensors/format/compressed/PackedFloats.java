package io.millrace.tensors.format.compressed;

import io.millrace.tensors.DType;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.kernel.LaneBytes;
import io.millrace.tensors.kernel.pack.FloatFormat;
import io.millrace.tensors.kernel.pack.RoundingLoss;
import io.millrace.tensors.kernel.pack.VectorFloats;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * 4-bit floats in groups: the formats {@code mxfp4-pack-quantized} and {@code nvfp4-pack-quantized}.
 *
 * <pre>
 * M.weight_packed         U8 [out, in / 2]        E2M1 codes, even columns in the low halves
 * M.weight_scale          U8 [out, in / 32]       MXFP4: scale 2^(byte - 127)
 *                         F8_E4M3 [out, in / 16]  NVFP4: scale * global scale
 * M.weight_global_scale   F32 [1]                 NVFP4 only
 * </pre>
 */
record PackedFloats(FloatFormat format) implements ModuleLayout {
    private static final ValueLayout.OfFloat FILE_FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    @Override
    public int rowMultiple() {
        return format.groupSize();
    }

    @Override
    public int rowsTogether() {
        return 1;
    }

    @Override
    public List<TensorSpec> tensors(TensorRule rule) {
        long out = rule.shape().extent(0);
        long in = rule.shape().extent(1);
        String module = rule.module();
        List<TensorSpec> specs = new ArrayList<>();
        specs.add(TensorSpec.plain(module + QuantizationConfig.WEIGHT_PACKED, DType.U8, Shape.of(out, in / 2)));
        specs.add(TensorSpec.plain(
                module + QuantizationConfig.WEIGHT_SCALE,
                format.powersOfTwo() ? DType.U8 : DType.F8_E4M3,
                Shape.of(out, in / format.groupSize())));
        if (!format.powersOfTwo()) {
            specs.add(TensorSpec.plain(module + QuantizationConfig.WEIGHT_GLOBAL_SCALE, DType.F32, Shape.of(1)));
        }
        return specs;
    }

    @Override
    public List<Part> head(TensorRule rule) {
        if (format.powersOfTwo()) {
            return List.of();
        }
        MemorySegment scale = MemorySegment.ofArray(new byte[Float.BYTES]);
        scale.set(FILE_FLOAT, 0, format.globalScale());
        return List.of(new Part(QuantizationConfig.WEIGHT_GLOBAL_SCALE, scale));
    }

    @Override
    public Block quantize(float[] weights, int rowLength, BlockBuffers buffers) {
        byte[] codes = buffers.take(weights.length);
        byte[] scales = buffers.take(weights.length / format.groupSize());
        RoundingLoss loss = new RoundingLoss();
        new VectorFloats(format).quantize(weights, codes, scales, loss);
        byte[] packed = buffers.take(weights.length / 2);
        LaneBytes.packNibbles(codes, codes.length, packed, 0);
        buffers.give(codes);
        return new Block(
                List.of(
                        new Part(QuantizationConfig.WEIGHT_PACKED, MemorySegment.ofArray(packed)),
                        new Part(QuantizationConfig.WEIGHT_SCALE, MemorySegment.ofArray(scales))),
                loss);
    }

    @Override
    public boolean spansModules() {
        return !format.powersOfTwo();
    }

    @Override
    public ModuleLayout spanning(float largestMagnitude) {
        return new PackedFloats(FloatFormat.nv(largestMagnitude));
    }
}
