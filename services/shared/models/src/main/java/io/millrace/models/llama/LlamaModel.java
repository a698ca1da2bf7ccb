package io.millrace.models.llama;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A GGUF file in llama.cpp with one context and one sequence. For one thread at a time. What would make the library
 * abort (too many tokens, an id outside the vocabulary) is refused before it is called; what remains may still end the
 * process, so use it in a child JVM only.
 */
public final class LlamaModel implements AutoCloseable {
    private final LlamaLibrary library;
    private final Arena arena = Arena.ofConfined();
    private final int contextLength;
    private final MemorySegment model;
    private final MemorySegment context;
    private final MemorySegment vocabulary;
    private final int vocabularySize;
    private final MemorySegment batch;
    private final MemorySegment tokens; // i32 [contextLength]
    private final MemorySegment positions; // i32 [contextLength]
    private final MemorySegment wantsLogits; // u8 [contextLength]
    private final MethodHandle decode;
    private final MethodHandle logitsAt;
    private final MethodHandle clear;

    /**
     * @param contextLength positions, which is also the largest batch
     * @param exact F32 key-value cache and no flash attention, for comparison with another F32 forward pass; else the
     *     library's defaults, as serving runs it
     */
    public static LlamaModel open(Path gguf, int contextLength, int threads, boolean exact) throws IOException {
        if (!Files.isReadable(gguf)) {
            throw new LlamaFailedException(gguf + ": no such file, or not readable");
        }
        if (contextLength < 1 || threads < 1) {
            throw new IllegalArgumentException(
                    "context of " + contextLength + " tokens, " + threads + " threads; expected at least 1 of each");
        }
        LlamaLibrary library = LlamaLibrary.open();
        try {
            return new LlamaModel(library, gguf, contextLength, threads, exact);
        } catch (IOException problem) {
            throw problem;
        } catch (Throwable problem) {
            throw LlamaLibrary.failure("llama.cpp on " + gguf, problem);
        }
    }

    private LlamaModel(LlamaLibrary library, Path gguf, int contextLength, int threads, boolean exact)
            throws Throwable {
        this.library = library;
        this.contextLength = contextLength;
        LlamaBuild build = library.build();
        var modelParameters = LlamaLibrary.structure(build.modelSize);
        MemorySegment wanted = (MemorySegment)
                library.function("llama_model_default_params", modelParameters).invoke((SegmentAllocator) arena);
        wanted.set(JAVA_INT, build.gpuLayers, 0);
        setFlag(wanted, build.mapping, 1);
        model = (MemorySegment) library.function("llama_model_load_from_file", ADDRESS, ADDRESS, modelParameters)
                .invoke(arena.allocateFrom(gguf.toString()), wanted);
        if (model.equals(MemorySegment.NULL)) {
            arena.close();
            throw new LlamaFailedException(gguf + ": " + build.description + " cannot load this file");
        }
        context = newContext(threads, exact);
        if (context.equals(MemorySegment.NULL)) {
            library.function("llama_model_free", null, ADDRESS).invoke(model);
            arena.close();
            throw new LlamaFailedException(gguf + ": " + build.description + " cannot make a context of "
                    + contextLength + " tokens; too little memory?");
        }
        vocabulary = (MemorySegment)
                library.function("llama_model_get_vocab", ADDRESS, ADDRESS).invoke(model);
        vocabularySize = (int)
                library.function("llama_vocab_n_tokens", JAVA_INT, ADDRESS).invoke(vocabulary);
        decode = library.function("llama_decode", JAVA_INT, ADDRESS, LlamaLibrary.structure(LlamaBuild.BATCH_SIZE));
        logitsAt = library.function("llama_get_logits_ith", ADDRESS, ADDRESS, JAVA_INT);
        clear = clearFunction();
        tokens = arena.allocate(JAVA_INT, contextLength);
        positions = arena.allocate(JAVA_INT, contextLength);
        wantsLogits = arena.allocate(contextLength);
        batch = arena.allocate(LlamaLibrary.structure(LlamaBuild.BATCH_SIZE));
        batch.set(ADDRESS, LlamaBuild.BATCH_TOKENS, tokens);
        batch.set(ADDRESS, LlamaBuild.BATCH_POSITIONS, positions);
        batch.set(ADDRESS, LlamaBuild.BATCH_LOGITS, wantsLogits);
    }

    private MemorySegment newContext(int threads, boolean exact) throws Throwable {
        LlamaBuild build = library.build();
        var parameters = LlamaLibrary.structure(build.contextSize);
        MemorySegment wanted = (MemorySegment)
                library.function("llama_context_default_params", parameters).invoke((SegmentAllocator) arena);
        for (int lengthField = 0; lengthField <= 8; lengthField += Integer.BYTES) {
            wanted.set(JAVA_INT, lengthField, contextLength); // n_ctx, n_batch, n_ubatch
        }
        wanted.set(JAVA_INT, build.threads, threads);
        wanted.set(JAVA_INT, build.threads + Integer.BYTES, threads);
        if (exact) {
            wanted.set(JAVA_INT, build.cacheTypes, 0);
            wanted.set(JAVA_INT, build.cacheTypes + Integer.BYTES, 0);
            setFlag(wanted, build.flashAttention, 0);
        }
        return (MemorySegment) library.function("llama_init_from_model", ADDRESS, ADDRESS, parameters)
                .invoke(model, wanted);
    }

    private void setFlag(MemorySegment parameters, int offset, int value) {
        if (library.build().enumerations) {
            parameters.set(JAVA_INT, offset, value);
        } else {
            parameters.set(JAVA_BYTE, offset, (byte) value);
        }
    }

    private MethodHandle clearFunction() throws Throwable {
        return switch (library.build()) {
            case B4916 -> library.function("llama_kv_self_clear", null, ADDRESS).bindTo(context);
            case V0_5_0 -> {
                MemorySegment memory = (MemorySegment)
                        library.function("llama_get_memory", ADDRESS, ADDRESS).invoke(context);
                MethodHandle clearMemory = library.function("llama_memory_clear", null, ADDRESS, JAVA_BOOLEAN);
                yield MethodHandles.insertArguments(clearMemory, 0, memory, true);
            }
        };
    }

    /** Which llama.cpp this is. */
    public String runtime() {
        return library.build().description;
    }

    public int vocabularySize() {
        return vocabularySize;
    }

    /**
     * Feeds tokens at positions {@code from}, {@code from} + 1, …, which must follow those fed before.
     *
     * @param allLogits keep the logits of each token until the next call, else of the last one only
     */
    public void decode(int[] ids, int from, boolean allLogits) {
        if (ids.length == 0 || from < 0 || from > contextLength - ids.length) {
            throw new IllegalArgumentException(ids.length + " tokens at position " + from
                    + "; expected at least 1, within a context of " + contextLength);
        }
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] < 0 || ids[i] >= vocabularySize) {
                throw new IllegalArgumentException(
                        "token " + ids[i] + " is outside the vocabulary of " + vocabularySize);
            }
            tokens.setAtIndex(JAVA_INT, i, ids[i]);
            positions.setAtIndex(JAVA_INT, i, from + i);
            wantsLogits.set(JAVA_BYTE, i, (byte) (allLogits || i == ids.length - 1 ? 1 : 0));
        }
        batch.set(JAVA_INT, 0, ids.length);
        int answer;
        try {
            answer = (int) decode.invokeExact(context, batch);
        } catch (Throwable problem) {
            throw LlamaLibrary.failure("llama_decode", problem);
        }
        if (answer != 0) {
            throw new IllegalStateException(
                    "llama_decode answered " + answer + " for " + ids.length + " tokens at position " + from);
        }
    }

    /** Logits [vocabulary] of token {@code index} of the last call of {@link #decode}. */
    public float[] logits(int index) {
        return awaitLogits(index)
                .reinterpret((long) Float.BYTES * vocabularySize)
                .toArray(JAVA_FLOAT);
    }

    /** Returns when the logits are there, without copying them. */
    MemorySegment awaitLogits(int index) {
        MemorySegment address;
        try {
            address = (MemorySegment) logitsAt.invokeExact(context, index);
        } catch (Throwable problem) {
            throw LlamaLibrary.failure("llama_get_logits_ith", problem);
        }
        if (address.equals(MemorySegment.NULL)) {
            throw new IllegalStateException("token " + index + " of the last batch has no logits; none were asked for");
        }
        return address;
    }

    /** Forgets all positions. */
    public void clear() {
        try {
            clear.invoke();
        } catch (Throwable problem) {
            throw LlamaLibrary.failure("clearing the cache", problem);
        }
    }

    /** @param addSpecial put BOS in front if the file says so */
    public int[] tokenize(String text, boolean addSpecial) {
        try (Arena work = Arena.ofConfined()) {
            MemorySegment bytes = work.allocateFrom(text);
            int length = Math.toIntExact(bytes.byteSize() - 1);
            int room = length + 8;
            MemorySegment ids = work.allocate(JAVA_INT, room);
            int count = (int) library.function(
                            "llama_tokenize",
                            JAVA_INT,
                            ADDRESS,
                            ADDRESS,
                            JAVA_INT,
                            ADDRESS,
                            JAVA_INT,
                            JAVA_BOOLEAN,
                            JAVA_BOOLEAN)
                    .invoke(vocabulary, bytes, length, ids, room, addSpecial, false);
            if (count < 0) {
                throw new IllegalStateException("llama_tokenize wants " + -count + " places for " + length + " bytes");
            }
            return ids.asSlice(0, (long) Integer.BYTES * count).toArray(JAVA_INT);
        } catch (RuntimeException | Error problem) {
            throw problem;
        } catch (Throwable problem) {
            throw LlamaLibrary.failure("llama_tokenize", problem);
        }
    }

    @Override
    public void close() {
        try {
            library.function("llama_free", null, ADDRESS).invoke(context);
            library.function("llama_model_free", null, ADDRESS).invoke(model);
        } catch (Throwable problem) {
            throw LlamaLibrary.failure("llama_free", problem);
        } finally {
            arena.close();
        }
    }
}
