package io.millrace.tensors.format.gguf;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.millrace.tensors.GgufType;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes {@code mixtures.txt}: what llama.cpp v0.5.0 itself makes of the models of {@link MixtureModels}, for every file
 * type and wish. It runs in a process of its own, since the library ends the process when it is displeased:
 *
 * <pre>
 * java … io.millrace.tensors.format.gguf.MixtureTables libllama.v0.5.0.so mixtures.txt
 * </pre>
 */
final class MixtureTables {
    /** Of {@code llama_model_quantize_params} in v0.5.0. */
    private static final StructLayout PARAMETERS = MemoryLayout.structLayout(MemoryLayout.sequenceLayout(8, JAVA_LONG));

    private static final int THREADS_AT = 0;
    private static final int FILE_TYPE_AT = 4;
    private static final int OUTPUT_TYPE_AT = 8;
    private static final int EMBEDDING_TYPE_AT = 12;
    private static final int REQUANTIZE_AT = 16;
    private static final int PURE_AT = 19;
    private static final int IMPORTANCE_AT = 24;
    private static final int OVERRIDES_AT = 40;
    private static final String VERSION = "0ad4a86";

    private final SymbolLookup library;

    private MixtureTables(Path file) throws Throwable {
        library = SymbolLookup.libraryLookup(file.toAbsolutePath(), Arena.global());
        MemorySegment commit = (MemorySegment)
                function("ggml_commit", FunctionDescriptor.of(ADDRESS)).invoke();
        String found = commit.reinterpret(64).getString(0);
        if (!found.equals(VERSION)) {
            throw new IOException(file + " is llama.cpp " + found + ", expected " + VERSION + " (v0.5.0)");
        }
        function("llama_backend_init", FunctionDescriptor.ofVoid()).invoke();
    }

    public static void main(String[] arguments) throws Throwable {
        MixtureTables tables = new MixtureTables(Path.of(arguments[0]));
        try (PrintWriter out = new PrintWriter(Path.of(arguments[1]).toFile())) {
            for (Map.Entry<String, ModelOutline> entry : MixtureModels.all().entrySet()) {
                Path source = Files.createTempFile("mixture", ".gguf");
                write(entry.getValue(), source);
                for (GgufFileType type : GgufFileType.values()) {
                    for (MixtureTable.Wish wish : MixtureTable.wishes(entry.getKey(), type)) {
                        Map<String, GgufType> types =
                                tables.quantize(entry.getValue(), source, MixtureTable.options(type, wish), wish);
                        out.printf(
                                "%s | %s | %s | %s%n",
                                entry.getKey(),
                                type,
                                wish,
                                MixtureTable.line(entry.getValue(), name -> String.valueOf(types.get(name))));
                    }
                }
                Files.delete(source);
            }
        }
    }

    private static void write(ModelOutline model, Path file) throws IOException {
        String prefix = model.architecture() + ".";
        int hidden = (int) model.tensors().stream()
                .filter(tensor -> tensor.name().equals("token_embd.weight"))
                .findFirst()
                .orElseThrow()
                .shape()
                .rowLength();
        Map<String, GgufValue> keys = new LinkedHashMap<>();
        keys.put("general.architecture", GgufValue.text(model.architecture()));
        keys.put(prefix + "block_count", GgufValue.u32(model.layerCount()));
        keys.put(prefix + "context_length", GgufValue.u32(512));
        keys.put(prefix + "embedding_length", GgufValue.u32(hidden));
        keys.put(prefix + "feed_forward_length", GgufValue.u32(512));
        keys.put(prefix + "attention.head_count", GgufValue.u32(model.headCount()));
        keys.put(prefix + "attention.head_count_kv", GgufValue.u32(model.keyValueHeadCount()));
        keys.put(prefix + "attention.layer_norm_rms_epsilon", GgufValue.f32(1e-5));
        keys.put(prefix + "attention.sliding_window", GgufValue.u32(256));
        keys.put(prefix + "vocab_size", GgufValue.u32(2));
        if (model.expertCount() > 0) {
            keys.put(prefix + "expert_count", GgufValue.u32(model.expertCount()));
            keys.put(prefix + "expert_used_count", GgufValue.u32(2));
        }
        List<GgufTensor> tensors = model.tensors().stream()
                .map(tensor -> new GgufTensor(tensor.name(), GgufType.F32, tensor.shape(), 0))
                .toList();
        GgufHeader header = GgufHeader.laidOut(keys, tensors);
        byte[] head = GgufHeaderEncoder.encode(header);
        Files.write(file, java.util.Arrays.copyOf(head, Math.toIntExact(head.length + header.dataBytes())));
    }

    /** Quantizes a file whatever its types are, as the library does without further wishes. */
    static void quantize(Path library, Path source, GgufFileType type, Path target) throws Throwable {
        MixtureTables tables = new MixtureTables(library);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment parameters = tables.parameters(type, arena);
            parameters.set(JAVA_BYTE, REQUANTIZE_AT, (byte) 1);
            tables.quantize(source, target, parameters, arena);
        }
    }

    private MemorySegment parameters(GgufFileType type, Arena arena) throws Throwable {
        MemorySegment parameters =
                (MemorySegment) function("llama_model_quantize_default_params", FunctionDescriptor.of(PARAMETERS))
                        .invoke((java.lang.foreign.SegmentAllocator) arena);
        parameters.set(JAVA_INT, THREADS_AT, 1);
        parameters.set(JAVA_INT, FILE_TYPE_AT, type.id());
        return parameters;
    }

    private void quantize(Path source, Path target, MemorySegment parameters, Arena arena) throws Throwable {
        int failed = (int) function("llama_model_quantize", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS))
                .invoke(arena.allocateFrom(source.toString()), arena.allocateFrom(target.toString()), parameters);
        if (failed != 0) {
            throw new IOException("llama.cpp did not quantize " + source);
        }
    }

    private Map<String, GgufType> quantize(ModelOutline model, Path source, GgufOptions options, MixtureTable.Wish wish)
            throws Throwable {
        Path target = Files.createTempFile("mixture-out", ".gguf");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment parameters = parameters(options.fileType(), arena);
            options.output().ifPresent(type -> parameters.set(JAVA_INT, OUTPUT_TYPE_AT, type.id()));
            options.embedding().ifPresent(type -> parameters.set(JAVA_INT, EMBEDDING_TYPE_AT, type.id()));
            parameters.set(JAVA_BYTE, PURE_AT, (byte) (options.pure() ? 1 : 0));
            if (wish == MixtureTable.Wish.IMPORTANCE) {
                parameters.set(ADDRESS, IMPORTANCE_AT, importance(model, arena));
            }
            if (!options.overrides().isEmpty()) {
                parameters.set(ADDRESS, OVERRIDES_AT, overrides(options, arena));
            }
            quantize(source, target, parameters, arena);
            Map<String, GgufType> types = new HashMap<>();
            try (GgufReader reader = GgufReader.open(target)) {
                reader.header().tensors().forEach(tensor -> types.put(tensor.name(), tensor.type()));
            }
            return types;
        } finally {
            Files.delete(target);
        }
    }

    /** Entries of name, numbers and their count, ended by one without a name; every column as important as the next. */
    private static MemorySegment importance(ModelOutline model, Arena arena) {
        MemorySegment entries = arena.allocate(24L * (model.tensors().size() + 1), 8);
        long at = 0;
        for (ModelOutline.Tensor tensor : model.tensors()) {
            int matrices = tensor.shape().rank() > 2 ? (int) tensor.shape().extent(0) : 1;
            float[] ones = new float[(int) tensor.shape().rowLength() * matrices];
            java.util.Arrays.fill(ones, 1);
            entries.set(ADDRESS, at, arena.allocateFrom(tensor.name()));
            entries.set(ADDRESS, at + 8, arena.allocateFrom(JAVA_FLOAT, ones));
            entries.set(JAVA_LONG, at + 16, ones.length);
            at += 24;
        }
        return entries;
    }

    private static MemorySegment overrides(GgufOptions options, Arena arena) {
        MemorySegment entries = arena.allocate(16L * (options.overrides().size() + 1), 8);
        long at = 0;
        for (GgufOptions.TensorType override : options.overrides()) {
            entries.set(ADDRESS, at, arena.allocateFrom(override.pattern().pattern()));
            entries.set(JAVA_INT, at + 8, override.type().id());
            at += 16;
        }
        return entries;
    }

    private MethodHandle function(String name, FunctionDescriptor descriptor) {
        return Linker.nativeLinker().downcallHandle(library.find(name).orElseThrow(), descriptor);
    }
}
