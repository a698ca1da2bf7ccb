package io.millrace.benchmarks;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.millrace.tensors.GgufType;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Random;

/** {@code ggml_quantize_chunk} of the llama.cpp library in the Maven package of its Java binding. */
final class PeerQuantizer {
    private static final String ENTRY = "/de/kherud/llama/Linux/x86_64/libjllama.so";

    private static final int RATE_ROW = 4096;
    private static final int RATE_ROWS = 1024;
    private static final int RATE_PASSES = 16;

    private final MethodHandle quantizeChunk;

    private PeerQuantizer(MethodHandle quantizeChunk) {
        this.quantizeChunk = quantizeChunk;
    }

    /** Empty where the package has no library for this machine. */
    static Optional<PeerQuantizer> load() throws IOException {
        boolean runs = System.getProperty("os.name").equals("Linux")
                && System.getProperty("os.arch").equals("amd64");
        try (InputStream in = PeerQuantizer.class.getResourceAsStream(ENTRY)) {
            if (!runs || in == null) {
                System.out.println("no llama.cpp for this machine: its column stays empty");
                return Optional.empty();
            }
            Path file = Files.createTempFile("libjllama", ".so");
            file.toFile().deleteOnExit();
            Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
            SymbolLookup library = SymbolLookup.libraryLookup(file, Arena.global());
            // Fills the half-to-float table, without which the K types come out wrong.
            call(function(library, "llama_backend_init", FunctionDescriptor.ofVoid()));
            return Optional.of(new PeerQuantizer(function(
                    library,
                    "ggml_quantize_chunk",
                    FunctionDescriptor.of(
                            JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS))));
        }
    }

    byte[] quantize(GgufType type, float[] rows, int rowLength) {
        try (Arena arena = Arena.ofConfined()) {
            return quantize(type, rows, rowLength, MemorySegment.NULL, arena);
        }
    }

    /** The same with an importance for each column. */
    byte[] quantize(GgufType type, float[] rows, int rowLength, float[] importance) {
        try (Arena arena = Arena.ofConfined()) {
            return quantize(type, rows, rowLength, arena.allocateFrom(JAVA_FLOAT, importance), arena);
        }
    }

    private byte[] quantize(GgufType type, float[] rows, int rowLength, MemorySegment importance, Arena arena) {
        MemorySegment source = arena.allocateFrom(JAVA_FLOAT, rows);
        MemorySegment target = arena.allocate(type.rowBytes(rows.length), 64);
        call(
                quantizeChunk,
                type.id(),
                source,
                target,
                0L,
                (long) (rows.length / rowLength),
                (long) rowLength,
                importance);
        return target.toArray(JAVA_BYTE);
    }

    /** Million weights per second of so many threads together, from memory into memory. */
    double millionPerSecond(GgufType type, int threads) throws InterruptedException {
        float[] rows = new float[RATE_ROW * RATE_ROWS];
        Random random = new Random(1);
        for (int i = 0; i < rows.length; i++) {
            rows[i] = (float) (0.02 * random.nextGaussian());
        }
        quantize(type, rows, RATE_ROW);
        List<Thread> workers = new ArrayList<>();
        long began = System.nanoTime();
        for (int thread = 0; thread < threads; thread++) {
            workers.add(Thread.ofPlatform().start(() -> {
                for (int pass = 0; pass < RATE_PASSES; pass++) {
                    quantize(type, rows, RATE_ROW);
                }
            }));
        }
        for (Thread worker : workers) {
            worker.join();
        }
        return 1e3 * threads * RATE_PASSES * rows.length / (System.nanoTime() - began);
    }

    private static MethodHandle function(SymbolLookup library, String name, FunctionDescriptor descriptor) {
        MemorySegment symbol = library.find(name).orElseThrow(() -> new NoSuchElementException(name));
        return Linker.nativeLinker().downcallHandle(symbol, descriptor);
    }

    private static void call(MethodHandle function, Object... arguments) {
        try {
            function.invokeWithArguments(arguments);
        } catch (Throwable failure) {
            throw new IllegalStateException("llama.cpp could not be called", failure);
        }
    }
}
