package io.millrace.tensors.format.compressed;

import io.millrace.tensors.DType;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.kernel.pack.FloatFormat;
import io.millrace.tensors.kernel.pack.GroupFormat;
import io.millrace.tensors.kernel.pack.RoundingLoss;
import io.millrace.tensors.kernel.pack.RowFormat;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** The tensors that hold a quantized module, and how its rows become their bytes. */
sealed interface ModuleLayout permits PackedGroups, PackedRows, PackedFloats, ScaledRows, ScaledBlocks {
    /** Bytes for the tensor of a module whose name ends in {@code suffix}. */
    record Part(String suffix, MemorySegment bytes) {}

    /** The bytes that some rows add to their tensors. */
    record Block(List<Part> parts, RoundingLoss loss) {}

    /** @param modelType BF16 or F16 */
    static ModuleLayout of(CompressedScheme scheme, DType modelType) {
        RowFormat rows = new RowFormat(scheme.code(), scheme.symmetric(), modelType);
        return switch (scheme.kind()) {
            case PACKED_INTEGERS ->
                scheme.groupSize() == 0
                        ? new PackedRows(rows)
                        : new PackedGroups(new GroupFormat(scheme.bits(), scheme.symmetric(), modelType));
            case INTEGERS, FLOATS -> scheme.blocks() ? new ScaledBlocks(rows) : new ScaledRows(rows);
            case MX_FLOATS -> new PackedFloats(FloatFormat.mx());
            // Until the weights are known: the size of what is written does not depend on them.
            case NV_FLOATS -> new PackedFloats(FloatFormat.nv(0));
        };
    }

    /** The length of a row is a multiple of it. */
    int rowMultiple();

    /** Rows whose bytes share an element: no block may end between them. */
    int rowsTogether();

    List<TensorSpec> tensors(TensorRule rule);

    /** What is known before the rows are. */
    List<Part> head(TensorRule rule);

    /** Quantizes whole rows of {@code rowLength} into arrays of {@code buffers}, each of them behind one part at most. */
    Block quantize(float[] weights, int rowLength, BlockBuffers buffers);

    /** Whether the codes of a row depend on all rows, and on those of modules that consumers merge with this one. */
    default boolean spansModules() {
        return false;
    }

    /** The layout for modules of which the largest weight has this magnitude. */
    default ModuleLayout spanning(float largestMagnitude) {
        return this;
    }
}
