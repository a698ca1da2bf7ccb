package io.millrace.tensors.checkpoint;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.TensorSink;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.RotarySpelling;
import io.millrace.tensors.file.DurableFiles;
import io.millrace.tensors.format.safetensors.SafetensorsWriter;
import io.millrace.tensors.json.StrictJson;
import io.millrace.tensors.kernel.convert.Conversion;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;

/**
 * Writes a dense model folder: config.json with the {@code torch_dtype} that is really there, the source's companions,
 * and safetensors. What a stage writes has rotary settings that every engine finds. Tensors may come in any order, each from front to back; {@link #append(MemorySegment)} takes raw
 * bytes in the planned order.
 */
public final class DenseWriter implements TensorSink {
    /** Where the common exporters split. */
    public static final long SHARD_BYTES = 5_000_000_000L;

    private final Path folder;
    private final ObjectNode config;
    private final Optional<Path> companions;
    private final SafetensorsWriter weights;
    private final Map<String, DType> types = new HashMap<>();
    private final UnaryOperator<String> names;

    private DenseWriter(
            Path folder,
            ObjectNode config,
            DType type,
            List<TensorSpec> tensors,
            Map<String, String> metadata,
            long shardBytes,
            Optional<Path> companions,
            Optional<BiConsumer<Path, byte[]>> digests,
            UnaryOperator<String> names)
            throws IOException {
        this.folder = folder;
        this.names = names;
        this.companions = companions;
        this.config = config.deepCopy();
        tensors.forEach(tensor -> types.put(tensor.name(), TensorCheck.type(tensor)));
        this.config.put("torch_dtype", torchName(type));
        if (config.has("dtype")) {
            // The name that transformers 5 gave it; readers that know both must not find two answers.
            this.config.put("dtype", torchName(type));
        }
        // It names Python files, which do not come along: a loader that may execute them would miss them.
        this.config.remove("auto_map");
        this.weights = SafetensorsWriter.open(
                folder,
                tensors.stream()
                        .map(tensor -> new TensorSpec(names.apply(tensor.name()), tensor.encoding(), tensor.shape()))
                        .toList(),
                metadata,
                shardBytes,
                digests);
    }

    /** A folder as a training writes it: it does not carry the mark of a stage. */
    public static DenseWriter original(Path folder, ObjectNode config, List<TensorSpec> tensors) throws IOException {
        return new DenseWriter(
                folder,
                config,
                TensorCheck.type(tensors.getFirst()),
                tensors,
                Map.of("format", "pt"),
                SHARD_BYTES,
                Optional.empty(),
                Optional.empty(),
                UnaryOperator.identity());
    }

    /**
     * What a stage makes of a checkpoint: marked as its work, with the source's companions.
     *
     * @param config the whole config.json of the output
     * @param tensors in the architecture's order, the embedding first; the folder names them as the source does
     */
    public static DenseWriter derived(
            Path folder, Checkpoint source, ObjectNode config, List<TensorSpec> tensors, String stage)
            throws IOException {
        return new DenseWriter(
                folder,
                RotarySpelling.withOlder(config),
                TensorCheck.type(tensors.getFirst()),
                tensors,
                made(stage),
                SHARD_BYTES,
                Optional.of(source.folder()),
                Optional.empty(),
                source::ownName);
    }

    /**
     * Likewise, for weights of several types, under the names that they are given.
     *
     * @param type what {@code torch_dtype} says
     * @param shardBytes most tensor bytes in one file
     * @param digests takes the SHA-256 of each finished file of tensors
     */
    public static DenseWriter derived(
            Path folder,
            Checkpoint source,
            ObjectNode config,
            DType type,
            List<TensorSpec> tensors,
            String stage,
            long shardBytes,
            Optional<BiConsumer<Path, byte[]>> digests)
            throws IOException {
        return new DenseWriter(
                folder,
                RotarySpelling.withOlder(config),
                type,
                tensors,
                made(stage),
                shardBytes,
                Optional.of(source.folder()),
                digests,
                UnaryOperator.identity());
    }

    /**
     * What a model of another format says in dense numbers: marked, so that it is not taken for what a training wrote.
     *
     * @param companions the folder whose tokenizer files go along
     */
    public static DenseWriter dequantized(
            Path folder, ObjectNode config, List<TensorSpec> tensors, Optional<Path> companions) throws IOException {
        return new DenseWriter(
                folder,
                RotarySpelling.withOlder(config),
                TensorCheck.type(tensors.getFirst()),
                tensors,
                made("dequantize"),
                SHARD_BYTES,
                companions,
                Optional.empty(),
                UnaryOperator.identity());
    }

    private static Map<String, String> made(String stage) {
        return Map.of("format", "pt", Checkpoint.MADE, stage);
    }

    /** {@code torch_dtype} of a type of weights. */
    public static String torchName(DType type) {
        return switch (type) {
            case F32 -> "float32";
            case F16 -> "float16";
            case BF16 -> "bfloat16";
            case F8_E4M3, F8_E5M2, I64, I32, I16, I8, U8, BOOL ->
                throw new IllegalArgumentException(type + " is not a type of weights, expected F32, F16 or BF16");
        };
    }

    /** Appends raw little-endian bytes to a tensor. */
    public void append(String name, MemorySegment bytes) throws IOException {
        weights.append(names.apply(name), bytes);
    }

    /** Narrows all of {@code floats} (native order) to the planned type of a tensor and appends them. */
    public void appendFloats(String name, MemorySegment floats) throws IOException {
        DType type = types.get(name);
        if (type == null) {
            throw new IllegalArgumentException("tensor '" + name + "' is not in the plan");
        }
        long count = floats.byteSize() / Float.BYTES;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment narrowed = arena.allocate(count * type.bytes(), Long.BYTES);
            Conversion.narrow(type, floats, narrowed, count);
            weights.append(names.apply(name), narrowed);
        }
    }

    @Override
    public void append(MemorySegment bytes) throws IOException {
        weights.append(bytes);
    }

    @Override
    public void finish() throws IOException {
        if (companions.isPresent()) {
            ModelFolder.copyCompanions(companions.get(), folder);
            ModelFolder.copySentenceModules(companions.get(), folder);
        }
        DurableFiles.write(
                folder.resolve(ModelFolder.CONFIG), StrictJson.print(config).getBytes(StandardCharsets.UTF_8));
        weights.finish();
    }

    @Override
    public void close() throws IOException {
        weights.close();
    }
}
