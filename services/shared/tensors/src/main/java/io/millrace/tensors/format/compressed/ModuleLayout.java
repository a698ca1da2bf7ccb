package io.millrace.tensors.format.compressed;

import io.millrace.tensors.DType;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.kernel.pack.GroupFormat;
import io.millrace.tensors.kernel.pack.RoundingLoss;
import io.millrace.tensors.kernel.pack.RowFormat;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** The tensors that hold a quantized module, and how its rows become their bytes. */
sealed interface ModuleLayout permits PackedGroups, ScaledRows {
    /** Bytes for the tensor of a module whose name ends in {@code suffix}. */
    record Part(String suffix, MemorySegment bytes) {}

    /** The bytes that some rows add to their tensors. */
    record Block(List<Part> parts, RoundingLoss loss) {}

    /** @param modelType BF16 or F16 */
    static ModuleLayout of(CompressedScheme scheme, DType modelType) {
        return scheme.codeType() == DType.I32
                ? new PackedGroups(new GroupFormat(scheme.bits(), scheme.symmetric(), modelType))
                : new ScaledRows(new RowFormat(scheme.codeType(), modelType));
    }

    /** The length of a row is a multiple of it. */
    int rowMultiple();

    /** Rows whose bytes share an element: no block may end between them. */
    int rowsTogether();

    List<TensorSpec> tensors(TensorRule rule);

    /** What does not depend on the weights. */
    List<Part> head(TensorRule rule);

    /** Quantizes whole rows of {@code rowLength}. */
    Block quantize(float[] weights, int rowLength);
}
