package io.millrace.tensors.format.compressed;

import io.millrace.tensors.DType;
import io.millrace.tensors.Encoding;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.checkpoint.StoredTensors;
import io.millrace.tensors.format.safetensors.SafetensorsFolder;
import io.millrace.tensors.kernel.convert.Conversion;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/** The tensors of a compressed-tensors folder, as they lie there. */
final class FolderTensors implements AutoCloseable {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** What consumers round inputs and cached keys and values by, where that does not follow from the numbers themselves. */
    private static final List<String> BESIDES_WEIGHTS = List.of(
            ".input_scale",
            ".input_zero_point",
            ".input_global_scale",
            ".self_attn.q_scale",
            ".self_attn.k_scale",
            ".self_attn.v_scale");

    private final StoredTensors folder;
    private final Map<String, TensorSpec> specs = new HashMap<>();

    FolderTensors(StoredTensors folder) {
        this.folder = folder;
        folder.tensors().forEach(tensor -> specs.put(tensor.name(), tensor));
    }

    /** What the configuration may call a module: in a folder without the prefix of the body also without it. */
    List<String> names(String module, ModelConfig config) {
        return Stream.of(module, folder.ownName(module))
                .distinct()
                .flatMap(name -> config.names(name).stream())
                .toList();
    }

    /** How many tensors hold weights, or what weights are scaled by. */
    long weightParts() {
        return specs.keySet().stream()
                .filter(name -> BESIDES_WEIGHTS.stream().noneMatch(name::endsWith))
                .count();
    }

    /** Of a tensor that is there. */
    TensorSpec spec(String name) {
        return Objects.requireNonNull(specs.get(name));
    }

    /** A tensor of this name has this shape and one of these types. */
    void require(String name, Shape shape, List<DType> types) throws MalformedFileException {
        TensorSpec found = specs.get(name);
        if (found == null) {
            throw problem(name, "is missing");
        }
        if (!found.shape().equals(shape)
                || types.stream().noneMatch(type -> found.equals(TensorSpec.plain(name, type, shape)))) {
            throw problem(
                    name,
                    "has " + found.encoding() + " and shape " + found.shape() + ", expected one of " + types + " and "
                            + shape);
        }
    }

    MemorySegment row(String name, long row) {
        return folder.rows(name, row, row + 1);
    }

    /** Rows [from, to) of a tensor of floats as F32. */
    void widen(String name, long from, long to, MemorySegment destination) {
        long elements = (to - from) * spec(name).shape().rowLength();
        Conversion.widen(type(name), folder.rows(name, from, to), destination, elements);
    }

    /** What the scales of a weight in NVFP4 are divided by. */
    float globalScale(TensorRule rule) {
        return row(rule.module() + QuantizationConfig.WEIGHT_GLOBAL_SCALE, 0).get(FLOAT, 0);
    }

    /** The group of each column of a weight. */
    int[] groupIndex(TensorRule rule) {
        String name = rule.module() + QuantizationConfig.WEIGHT_GROUP_INDEX;
        return folder.rows(name, 0, spec(name).shape().rows()).toArray(INT);
    }

    /** What a fault says that came while the tensor was read. */
    MalformedFileException changed(String name, InternalError fault) {
        return MalformedFileException.changed(String.valueOf(folder.fileOf(name).getFileName()), fault);
    }

    private DType type(String name) {
        return switch (spec(name).encoding()) {
            case Encoding.Plain(DType type) -> type;
            case Encoding.Blocks(var blocks) -> throw new IllegalStateException("safetensors with blocks of " + blocks);
        };
    }

    static MalformedFileException problem(String tensor, String what) {
        return new MalformedFileException(SafetensorsFolder.SINGLE, -1, "tensor '" + tensor + "' " + what);
    }

    @Override
    public void close() {
        folder.close();
    }
}
