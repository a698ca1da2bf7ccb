package io.millrace.models;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.lang.foreign.ValueLayout;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** Which positions a query may see: none that come later, and with a sliding window none that are too far back. */
final class AttentionMask {
    private AttentionMask() {}

    /**
     * [length, past + length] of 0 and -inf to add to the scores; null where every position is visible. It is written where
     * it is used: a buffer of the JVM ends at 2 GiB, which is a window of 23,170 tokens.
     */
    static @Nullable NDArray of(NDManager scope, OptionalInt slidingWindow, int past, int length) {
        int seen = past + length;
        int window = slidingWindow.orElse(Integer.MAX_VALUE);
        if (length == 1 && seen <= window) {
            return null;
        }
        NDArray mask = TensorRuntime.allocate(scope, DataType.FLOAT32, new Shape(length, seen));
        EngineTensors.write(mask, (from, to, rows) -> {
            for (long t = from; t < to; t++) {
                long position = past + t;
                long row = (t - from) * seen;
                for (int other = 0; other < seen; other++) {
                    // The window counts the query itself.
                    boolean visible = other <= position && position - other < window;
                    rows.setAtIndex(
                            ValueLayout.JAVA_FLOAT_UNALIGNED, row + other, visible ? 0 : Float.NEGATIVE_INFINITY);
                }
            }
        });
        return mask;
    }
}
