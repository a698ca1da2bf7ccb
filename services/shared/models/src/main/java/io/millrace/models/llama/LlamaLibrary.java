package io.millrace.models.llama;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

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
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A loaded llama.cpp of a known build, silenced and ready. It stays loaded until the process ends. */
final class LlamaLibrary {
    static final String PATH_SETTING = "MILLRACE_LLAMA_LIBRARY";
    private static final Linker LINKER = Linker.nativeLinker();

    private static @Nullable LlamaLibrary opened;

    private final SymbolLookup symbols;
    private final LlamaBuild build;

    private LlamaLibrary(SymbolLookup symbols, LlamaBuild build) {
        this.symbols = symbols;
        this.build = build;
    }

    /** The library at MILLRACE_LLAMA_LIBRARY, else the one in the class path. */
    static synchronized LlamaLibrary open() throws IOException {
        if (opened == null) {
            String setting = System.getProperty(PATH_SETTING, System.getenv(PATH_SETTING));
            opened = setting == null ? fromClassPath() : open(Path.of(setting));
        }
        return opened;
    }

    private static LlamaLibrary open(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new LlamaUnusableException(
                    PATH_SETTING + " is '" + file + "', which is not a file; expected libllama or libjllama");
        }
        Path absolute = file.toAbsolutePath();
        SymbolLookup symbols;
        try {
            symbols = SymbolLookup.libraryLookup(absolute, Arena.global());
        } catch (IllegalArgumentException problem) {
            throw new LlamaUnusableException(absolute + ": cannot be loaded: " + whyNot(absolute, problem)
                    + "; expected a library for this machine, in a folder that is not mounted noexec, and what it needs"
                    + " itself: libgomp.so.1 is in the package libgomp1 of Debian and Ubuntu");
        }
        LlamaLibrary library = new LlamaLibrary(symbols, build(symbols, absolute));
        library.silence();
        // Also fills the half-precision tables that K types need.
        library.call("llama_backend_init", null);
        library.loadBackends(absolute);
        return library;
    }

    /** The lookup keeps the loader's reason to itself; the JVM's own way of loading tells it. */
    private static String whyNot(Path file, IllegalArgumentException problem) {
        try {
            System.load(file.toString());
            return String.valueOf(problem.getMessage());
        } catch (UnsatisfiedLinkError reason) {
            return String.valueOf(reason.getMessage()).replace(file + ": ", "");
        }
    }

    private static LlamaLibrary fromClassPath() throws IOException {
        String system = System.getProperty("os.name", "");
        String machine = System.getProperty("os.arch", "");
        String entry = entry(system, machine)
                .orElseThrow(() -> new LlamaUnavailableException("no llama.cpp for " + system + " on " + machine
                        + " is in the class path; set " + PATH_SETTING + " to one of build b4916 or v0.5.0"));
        try (InputStream bytes = LlamaLibrary.class.getResourceAsStream(entry)) {
            if (bytes == null) {
                throw new LlamaUnusableException(
                        "the class path has no " + entry + "; add de.kherud:llama:4.2.0 or set " + PATH_SETTING);
            }
            Path file = unpack(bytes);
            try {
                return open(file);
            } finally {
                // What is loaded stays mapped after its file is gone.
                Files.deleteIfExists(file);
                Files.deleteIfExists(file.getParent());
            }
        }
    }

    /** Where the binding carries the library; its others, for macOS and Windows, were never tried. */
    static Optional<String> entry(String system, String machine) {
        if (!system.equals("Linux")) {
            return Optional.empty();
        }
        return switch (machine.toLowerCase(Locale.ROOT)) {
            case "amd64", "x86_64" -> Optional.of("/de/kherud/llama/Linux/x86_64/libjllama.so");
            case "aarch64" -> Optional.of("/de/kherud/llama/Linux/aarch64/libjllama.so");
            default -> Optional.empty();
        };
    }

    private static Path unpack(InputStream bytes) throws LlamaUnusableException {
        try {
            Path file = Files.createTempDirectory("millrace-llama-").resolve("libjllama.so");
            Files.copy(bytes, file);
            return file;
        } catch (IOException problem) {
            throw new LlamaUnusableException("libjllama.so cannot be unpacked into the temporary folder "
                    + System.getProperty("java.io.tmpdir") + ": " + problem);
        }
    }

    private static LlamaBuild build(SymbolLookup symbols, Path file) throws IOException {
        int number = symbols.find("LLAMA_BUILD_NUMBER")
                .map(address -> address.reinterpret(Integer.BYTES).get(JAVA_INT, 0))
                .orElse(-1);
        if (number == LlamaBuild.B4916_NUMBER) {
            return LlamaBuild.B4916;
        }
        String commit = "unknown";
        var commitFunction = symbols.find("ggml_commit");
        if (commitFunction.isPresent()) {
            MethodHandle handle = LINKER.downcallHandle(commitFunction.get(), FunctionDescriptor.of(ADDRESS));
            commit = text(handle);
        }
        if (commit.equals(LlamaBuild.V0_5_0_COMMIT)) {
            return LlamaBuild.V0_5_0;
        }
        throw new LlamaUnusableException(file + ": llama.cpp with build number " + number + " and commit '" + commit
                + "'; expected build " + LlamaBuild.B4916_NUMBER + " or commit " + LlamaBuild.V0_5_0_COMMIT
                + ", because the layout of its structures is known for these only");
    }

    private static String text(MethodHandle returnsText) {
        try {
            return ((MemorySegment) returnsText.invoke()).reinterpret(64).getString(0);
        } catch (Throwable problem) {
            throw failure("ggml_commit", problem);
        }
    }

    /** A null callback would print to stderr, and one that throws would end the process. */
    private void silence() {
        try {
            MethodHandle nothing = MethodHandles.lookup()
                    .findStatic(
                            LlamaLibrary.class,
                            "ignore",
                            MethodType.methodType(void.class, int.class, MemorySegment.class, MemorySegment.class));
            MemorySegment callback =
                    LINKER.upcallStub(nothing, FunctionDescriptor.ofVoid(JAVA_INT, ADDRESS, ADDRESS), Arena.global());
            function("llama_log_set", null, ADDRESS, ADDRESS).invoke(callback, MemorySegment.NULL);
        } catch (Throwable problem) {
            throw failure("llama_log_set", problem);
        }
    }

    @SuppressWarnings("unused") // called from native code, by name
    private static void ignore(int level, MemorySegment text, MemorySegment data) {}

    /** b4916 has its CPU code built in; v0.5.0 picks the best of the libraries beside it. */
    private void loadBackends(Path file) throws IOException {
        try {
            if ((long) function("ggml_backend_reg_count", JAVA_LONG).invoke() > 0) {
                return;
            }
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment folder = arena.allocateFrom(String.valueOf(file.getParent()));
                function("ggml_backend_load_all_from_path", null, ADDRESS).invoke(folder);
            }
            if ((long) function("ggml_backend_reg_count", JAVA_LONG).invoke() == 0) {
                throw new LlamaUnusableException(
                        file.getParent() + ": no CPU backend; the folder must also hold libggml and a libggml-cpu");
            }
        } catch (IOException problem) {
            throw problem;
        } catch (Throwable problem) {
            throw failure("ggml_backend_load_all_from_path", problem);
        }
    }

    LlamaBuild build() {
        return build;
    }

    MethodHandle function(String name, @Nullable MemoryLayout answer, MemoryLayout... arguments) {
        FunctionDescriptor descriptor =
                answer == null ? FunctionDescriptor.ofVoid(arguments) : FunctionDescriptor.of(answer, arguments);
        MemorySegment address = symbols.find(name)
                .orElseThrow(() -> new IllegalStateException(build.description + " does not export " + name));
        return LINKER.downcallHandle(address, descriptor);
    }

    private void call(String name, @Nullable MemoryLayout answer) {
        try {
            function(name, answer).invoke();
        } catch (Throwable problem) {
            throw failure(name, problem);
        }
    }

    /** A structure that is passed by value: over 16 bytes only its size matters. */
    static MemoryLayout structure(int bytes) {
        return MemoryLayout.structLayout(MemoryLayout.sequenceLayout(bytes / Long.BYTES, JAVA_LONG));
    }

    static RuntimeException failure(String function, Throwable problem) {
        if (problem instanceof Error error) {
            throw error;
        }
        return new IllegalStateException("calling " + function, problem);
    }
}
