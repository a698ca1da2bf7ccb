package io.millrace.benchmarks;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * While this is open, all threads of this process share one core, the first that they may use: those that run, and those
 * that they start. Linux alone knows how ({@code sched_setaffinity(2)}).
 */
final class OneCore implements AutoCloseable {
    private static final Path TASKS = Path.of("/proc/self/task");
    /** Of the set of cores, one bit for each. */
    private static final int SET_BYTES = 128;

    private static final FunctionDescriptor FUNCTION = FunctionDescriptor.of(
            ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS);

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment before = arena.allocate(SET_BYTES);

    OneCore() throws IOException {
        if (call("sched_getaffinity", 0, before) < 0) {
            throw new IOException("the system does not say which cores this process may use");
        }
        MemorySegment one = arena.allocate(SET_BYTES);
        for (int i = 0; i < SET_BYTES; i++) {
            byte cores = before.get(ValueLayout.JAVA_BYTE, i);
            if (cores != 0) {
                one.set(ValueLayout.JAVA_BYTE, i, (byte) (cores & -cores));
                break;
            }
        }
        keepTo(one);
    }

    /** A thread that has ended meanwhile is not there to be told. */
    private static void keepTo(MemorySegment cores) throws IOException {
        List<Integer> threads;
        try (Stream<Path> tasks = Files.list(TASKS)) {
            threads = tasks.map(task -> Integer.valueOf(String.valueOf(task.getFileName())))
                    .toList();
        }
        for (int thread : threads) {
            if (call("sched_setaffinity", thread, cores) < 0 && Files.exists(TASKS.resolve(Integer.toString(thread)))) {
                throw new IOException("thread " + thread + " cannot be kept to some cores");
            }
        }
    }

    private static int call(String name, int thread, MemorySegment cores) {
        MemorySegment symbol = SymbolLookup.loaderLookup()
                .or(Linker.nativeLinker().defaultLookup())
                .find(name)
                .orElseThrow(() -> new UnsupportedOperationException("this system has no " + name));
        MethodHandle function = Linker.nativeLinker().downcallHandle(symbol, FUNCTION);
        try {
            return (int) function.invokeExact(thread, (long) SET_BYTES, cores);
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() throws IOException {
        try (arena) {
            keepTo(before);
        }
    }
}
