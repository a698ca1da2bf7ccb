package io.millrace.models;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** Which positions a query may see: none that come later, and with a sliding window none that are too far back. */
final class AttentionMask {
    private AttentionMask() {}

    /**
     * [length, past + length] of 0 and -inf to add to the scores; null where every position is visible. It is made where
     * it is used: a buffer of the JVM ends at 2 GiB, which is a window of 23,170 tokens.
     */
    static @Nullable NDArray of(NDManager scope, OptionalInt slidingWindow, int past, int length) {
        int seen = past + length;
        if (length == 1 && seen <= slidingWindow.orElse(Integer.MAX_VALUE)) {
            return null;
        }
        try (NDManager inner = scope.newSubManager()) {
            NDArray others = inner.arange(0, seen, 1, DataType.INT64).reshape(1, seen);
            NDArray positions = inner.arange(past, seen, 1, DataType.INT64).reshape(length, 1);
            NDArray visible = others.lte(positions); // [length, seen]
            if (slidingWindow.isPresent()) {
                // The window counts the query itself.
                NDArray before = positions.sub(inner.create(new long[] {slidingWindow.getAsInt()}, new Shape(1, 1)));
                visible = visible.logicalAnd(others.gt(before));
            }
            // The logarithm of 1 is 0 and that of 0 is -inf, both exactly.
            NDArray mask = visible.toType(DataType.FLOAT32, false).log();
            mask.attach(scope);
            return mask;
        }
    }
}
