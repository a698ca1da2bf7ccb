package io.millrace.models;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** Which positions a query may see: none that come later, and with a sliding window none that are too far back. */
final class AttentionMask {
    private AttentionMask() {}

    /** [length, past + length] of 0 and -inf to add to the scores; null where every position is visible. */
    static @Nullable NDArray of(NDManager scope, OptionalInt slidingWindow, int past, int length) {
        int seen = past + length;
        int window = slidingWindow.orElse(Integer.MAX_VALUE);
        if (length == 1 && seen <= window) {
            return null;
        }
        float[] mask = new float[Math.multiplyExact(length, seen)];
        for (int t = 0; t < length; t++) {
            int position = past + t;
            for (int other = 0; other < seen; other++) {
                // The window counts the query itself.
                boolean visible = other <= position && position - other < window;
                mask[t * seen + other] = visible ? 0 : Float.NEGATIVE_INFINITY;
            }
        }
        return scope.create(mask, new Shape(length, seen));
    }
}
