package io.millrace.tensors.format.compressed;

import io.millrace.tensors.DType;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.kernel.pack.RoundingLoss;
import io.millrace.tensors.kernel.pack.RowFormat;
import io.millrace.tensors.kernel.pack.VectorRows;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * One byte per weight and one scale per row: the formats {@code float-quantized} and {@code int-quantized}.
 *
 * <pre>
 * M.weight         F8_E4M3 or I8 [out, in]
 * M.weight_scale   BF16 or F16 [out, 1]        largest magnitude of the row / 448 (F8_E4M3) or 127.5 (I8)
 * </pre>
 */
record ScaledRows(RowFormat format) implements ModuleLayout {
    /** Consumers' matrix instructions for 8-bit inputs take 16 columns at a time. */
    static final int ROW_MULTIPLE = 16;

    @Override
    public int rowMultiple() {
        return ROW_MULTIPLE;
    }

    @Override
    public int rowsTogether() {
        return 1;
    }

    @Override
    public List<TensorSpec> tensors(TensorRule rule) {
        return List.of(
                TensorSpec.plain(rule.module() + QuantizationConfig.WEIGHT, codeType(), rule.shape()),
                TensorSpec.plain(
                        rule.module() + QuantizationConfig.WEIGHT_SCALE,
                        format.scaleType(),
                        Shape.of(rule.shape().extent(0), 1)));
    }

    private DType codeType() {
        return format.code().floating() ? DType.F8_E4M3 : DType.I8;
    }

    @Override
    public List<Part> head(TensorRule rule) {
        return List.of();
    }

    @Override
    public Block quantize(float[] weights, int rowLength, BlockBuffers buffers) {
        int rows = weights.length / rowLength;
        byte[] codes = buffers.take(weights.length);
        MemorySegment scales = MemorySegment.ofArray(new byte[rows * Short.BYTES]);
        RoundingLoss loss = new RoundingLoss();
        new VectorRows(format).quantize(weights, rowLength, codes, scales, new byte[rows], loss);
        return new Block(
                List.of(
                        new Part(QuantizationConfig.WEIGHT, MemorySegment.ofArray(codes)),
                        new Part(QuantizationConfig.WEIGHT_SCALE, scales)),
                loss);
    }
}
