package io.millrace.models;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * What native libraries freed and the C library still holds. glibc keeps it in an arena of the thread that asked for it,
 * and each job has a thread of its own: three quality jobs of a model with 135M parameters left 3.6 GB behind.
 */
public final class NativeHeap {
    private NativeHeap() {}

    /** Gives it back to the system; where the C library is not glibc nothing happens. */
    public static void giveBack() {
        Linker linker = Linker.nativeLinker();
        Optional<MemorySegment> function = linker.defaultLookup().find("malloc_trim");
        if (function.isEmpty()) {
            return;
        }
        var trim = linker.downcallHandle(
                function.get(), FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG));
        try {
            int _ = (int) trim.invokeExact(0L);
        } catch (RuntimeException | Error problem) {
            throw problem;
        } catch (Throwable problem) {
            throw new IllegalStateException("cannot call malloc_trim", problem);
        }
    }
}
