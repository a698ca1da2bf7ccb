package io.millrace.tensors.kernel.gguf;

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
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.NoSuchElementException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A quantizer of llama.cpp, the reference that our bytes must equal: that of b4916 out of its Maven package, or the one
 * whose file {@code MILLRACE_LLAMA_LIBRARY} names, which may know newer types.
 */
public final class PeerLibrary {
    private static final String ENTRY = "/de/kherud/llama/Linux/x86_64/libjllama.so";
    private static final String NEWER = "MILLRACE_LLAMA_LIBRARY";
    private static @Nullable PeerLibrary loaded;
    private static @Nullable PeerLibrary loadedNewer;

    private final MethodHandle quantizeChunk;
    private final MethodHandle blockElements;
    private final MethodHandle blockBytes;

    /** The library, once per process; empty where its package has no build for this machine. */
    public static synchronized Optional<PeerLibrary> load() throws Throwable {
        boolean runs = System.getProperty("os.name").equals("Linux")
                && System.getProperty("os.arch").equals("amd64");
        if (!runs) {
            return Optional.empty();
        }
        if (loaded == null) {
            loaded = new PeerLibrary(extract());
        }
        return Optional.of(loaded);
    }

    /** The library that the environment names, once per process; empty, with a printed reason, where it names none. */
    static synchronized Optional<PeerLibrary> newer() throws Throwable {
        String path = System.getenv(NEWER);
        if (path == null || path.isEmpty()) {
            System.out.println("skipped: " + NEWER + " names no newer llama.cpp");
            return Optional.empty();
        }
        if (loadedNewer == null) {
            loadedNewer = new PeerLibrary(Path.of(path));
        }
        return Optional.of(loadedNewer);
    }

    static Path extract() throws IOException {
        Path file = Files.createTempFile("libjllama", ".so");
        file.toFile().deleteOnExit();
        try (InputStream in = PeerLibrary.class.getResourceAsStream(ENTRY)) {
            if (in == null) {
                throw new IOException("no " + ENTRY + " on the class path");
            }
            Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
        }
        return file;
    }

    private PeerLibrary(Path file) throws Throwable {
        SymbolLookup library = SymbolLookup.libraryLookup(file, Arena.global());
        Linker linker = Linker.nativeLinker();
        MethodHandle noLog = MethodHandles.lookup()
                .findStatic(
                        PeerLibrary.class,
                        "noLog",
                        MethodType.methodType(void.class, int.class, MemorySegment.class, MemorySegment.class));
        MemorySegment silent =
                linker.upcallStub(noLog, FunctionDescriptor.ofVoid(JAVA_INT, ADDRESS, ADDRESS), Arena.global());
        function(library, linker, "llama_log_set", FunctionDescriptor.ofVoid(ADDRESS, ADDRESS))
                .invoke(silent, MemorySegment.NULL);
        // Fills the half-to-float table, without which the K types come out wrong.
        function(library, linker, "llama_backend_init", FunctionDescriptor.ofVoid())
                .invoke();
        quantizeChunk = function(
                library,
                linker,
                "ggml_quantize_chunk",
                FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS));
        FunctionDescriptor ofType = FunctionDescriptor.of(JAVA_LONG, JAVA_INT);
        blockElements = function(library, linker, "ggml_blck_size", ofType);
        blockBytes = function(library, linker, "ggml_type_size", ofType);
    }

    /** Elements of a block of a type, by its number. */
    public long blockElements(int type) throws Throwable {
        return (long) blockElements.invokeExact(type);
    }

    public long blockBytes(int type) throws Throwable {
        return (long) blockBytes.invokeExact(type);
    }

    private static MethodHandle function(
            SymbolLookup library, Linker linker, String name, FunctionDescriptor descriptor) {
        MemorySegment symbol = library.find(name).orElseThrow(() -> new NoSuchElementException(name));
        return linker.downcallHandle(symbol, descriptor);
    }

    @SuppressWarnings("unused") // called by the library
    private static void noLog(int level, MemorySegment text, MemorySegment data) {}

    byte[] quantize(GgufType type, float[] rows, int rowLength) throws Throwable {
        return quantize(type, rows, rowLength, null);
    }

    /** The same with an importance for each column. */
    public byte[] quantize(GgufType type, float[] rows, int rowLength, float @Nullable [] importance) throws Throwable {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment source = arena.allocate(MemoryLayout.sequenceLayout(rows.length, JAVA_FLOAT));
            MemorySegment.copy(rows, 0, source, JAVA_FLOAT, 0, rows.length);
            MemorySegment columns =
                    importance == null ? MemorySegment.NULL : arena.allocateFrom(JAVA_FLOAT, importance);
            MemorySegment target = arena.allocate(type.rowBytes(rows.length), 64);
            long written = (long) quantizeChunk.invokeExact(
                    type.id(), source, target, 0L, (long) (rows.length / rowLength), (long) rowLength, columns);
            if (written != target.byteSize()) {
                throw new IllegalStateException("the library wrote " + written + " of " + target.byteSize() + " bytes");
            }
            return target.toArray(JAVA_BYTE);
        }
    }
}
