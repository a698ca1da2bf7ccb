package io.millrace.benchmarks;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

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
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Random;

/** {@code ggml_quantize_chunk} of the llama.cpp library in the Maven package of its Java binding. */
final class PeerQuantizer {
    private static final String ENTRY = "/de/kherud/llama/Linux/x86_64/libjllama.so";

    private static final int RATE_ROW = 4096;
    private static final int RATE_ROWS = 64;
    private static final int RATE_PASSES = 64;

    private final MethodHandle quantizeChunk;
    private final MethodHandle widenRow;

    private PeerQuantizer(MethodHandle quantizeChunk, MethodHandle widenRow) {
        this.quantizeChunk = quantizeChunk;
        this.widenRow = widenRow;
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
            return Optional.of(new PeerQuantizer(
                    function(
                            library,
                            "ggml_quantize_chunk",
                            FunctionDescriptor.of(
                                    JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS)),
                    function(
                            library, "ggml_fp16_to_fp32_row", FunctionDescriptor.ofVoid(ADDRESS, ADDRESS, JAVA_LONG))));
        }
    }

    /** Rows in its memory, to be quantized again and again: nothing but its own work is in {@link #run}. */
    record Prepared(Runnable work, MemorySegment rows, MemorySegment blocks) {
        void run() {
            work.run();
        }

        byte[] bytes() {
            return blocks.toArray(JAVA_BYTE);
        }
    }

    /** @param importance of each column; empty where all count alike */
    Prepared prepare(Arena arena, GgufType type, float[] rows, int rowLength, float[] importance) {
        MemorySegment source = arena.allocateFrom(JAVA_FLOAT, rows);
        MemorySegment blocks = arena.allocate(type.rowBytes(rows.length), 64);
        MemorySegment columns =
                importance.length == 0 ? MemorySegment.NULL : arena.allocateFrom(JAVA_FLOAT, importance);
        long count = rows.length / rowLength;
        return new Prepared(
                () -> call(quantizeChunk, type.id(), source, blocks, 0L, count, (long) rowLength, columns),
                source,
                blocks);
    }

    /**
     * How long so many threads take to make blocks of F16 weights: each row block is widened and quantized, from memory into
     * memory.
     */
    double seconds(Map<GgufType, Long> weights, int threads) throws InterruptedException {
        double seconds = 0;
        for (Map.Entry<GgufType, Long> type : weights.entrySet()) {
            seconds += type.getValue() / perSecond(type.getKey(), threads);
        }
        return seconds;
    }

    private double perSecond(GgufType type, int threads) throws InterruptedException {
        float[] rows = new float[RATE_ROW * RATE_ROWS];
        short[] halves = new short[rows.length];
        Random random = new Random(1);
        for (int i = 0; i < rows.length; i++) {
            halves[i] = Float.floatToFloat16((float) (0.02 * random.nextGaussian()));
        }
        try (Arena arena = Arena.ofShared()) {
            MemorySegment source = arena.allocateFrom(JAVA_SHORT, halves);
            List<Runnable> works = new ArrayList<>();
            for (int thread = 0; thread < threads; thread++) {
                Prepared prepared = prepare(arena, type, rows, RATE_ROW, new float[0]);
                works.add(() -> {
                    call(widenRow, source, prepared.rows(), (long) rows.length);
                    prepared.run();
                });
                works.getLast().run();
            }
            List<Thread> workers = new ArrayList<>();
            long began = System.nanoTime();
            for (Runnable work : works) {
                workers.add(Thread.ofPlatform().start(() -> {
                    for (int pass = 0; pass < RATE_PASSES; pass++) {
                        work.run();
                    }
                }));
            }
            for (Thread worker : workers) {
                worker.join();
            }
            return 1e9 * threads * RATE_PASSES * rows.length / (System.nanoTime() - began);
        }
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
