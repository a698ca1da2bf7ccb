package io.millrace.tensors.format.compressed;

import io.millrace.tensors.DType;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.kernel.pack.RoundingLoss;
import io.millrace.tensors.kernel.pack.RowFormat;
import io.millrace.tensors.kernel.pack.VectorBlocks;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * 8-bit floats with one scale per 128 rows and columns: the format {@code float-quantized}, strategy {@code block}.
 *
 * <pre>
 * M.weight         F8_E4M3 [out, in]
 * M.weight_scale   BF16 or F16 [out / 128, in / 128], both rounded up: largest magnitude of the block / 448
 * </pre>
 */
record ScaledBlocks(RowFormat format) implements ModuleLayout {
    /** Rows may end within a block, columns not: inputs are rounded in groups of as many. */
    @Override
    public int rowMultiple() {
        return VectorBlocks.SIDE;
    }

    @Override
    public int rowsTogether() {
        return VectorBlocks.SIDE;
    }

    @Override
    public List<TensorSpec> tensors(TensorRule rule) {
        Shape blocks = Shape.of(
                Math.ceilDiv(rule.shape().extent(0), VectorBlocks.SIDE),
                Math.ceilDiv(rule.shape().extent(1), VectorBlocks.SIDE));
        return List.of(
                TensorSpec.plain(rule.module() + QuantizationConfig.WEIGHT, DType.F8_E4M3, rule.shape()),
                TensorSpec.plain(rule.module() + QuantizationConfig.WEIGHT_SCALE, format.scaleType(), blocks));
    }

    @Override
    public List<Part> head(TensorRule rule) {
        return List.of();
    }

    @Override
    public Block quantize(float[] weights, int rowLength, BlockBuffers buffers) {
        int rows = weights.length / rowLength;
        int blocks = Math.ceilDiv(rows, VectorBlocks.SIDE) * Math.ceilDiv(rowLength, VectorBlocks.SIDE);
        byte[] codes = buffers.take(weights.length);
        MemorySegment scales = MemorySegment.ofArray(new byte[blocks * Short.BYTES]);
        RoundingLoss loss = new RoundingLoss();
        new VectorBlocks(format).quantize(weights, rows, rowLength, codes, scales, loss);
        return new Block(
                List.of(
                        new Part(QuantizationConfig.WEIGHT, MemorySegment.ofArray(codes)),
                        new Part(QuantizationConfig.WEIGHT_SCALE, scales)),
                loss);
    }
}
