package io.millrace.models;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.core.Linear;
import io.millrace.tensors.kernel.pack.InputRounding;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** A linear map: x [.., in] → x · weightᵀ + bias [.., out]. */
record LinearMap(
        NDArray weight, // [out, in]
        @Nullable NDArray bias, // [out]
        @Nullable InputRounding rounding) { // what happens to x first

    /** The map of a matrix, with the bias beside it if there is one. */
    static LinearMap of(WeightTable weights, String name) {
        String module = name.substring(0, name.lastIndexOf('.'));
        return new LinearMap(weights.require(name), weights.find(module + ".bias"), weights.rounding(name));
    }

    NDArray apply(NDArray x) {
        NDArray input = rounding == null ? x : rounded(x, rounding);
        // The activation comes first in every operation: a result lives in the scope of its first operand.
        return bias == null
                ? Linear.linear(input, weight).get(0)
                : Linear.linear(input, weight, bias).get(0);
    }

    /** A rounded copy. The engine has no 8-bit floats, so numbers are rounded in main memory. */
    private static NDArray rounded(NDArray x, InputRounding rounding) {
        NDArray copy = TensorRuntime.allocate(x.getManager(), DataType.FLOAT32, x.getShape());
        x.copyTo(copy);
        try {
            InputRounding known = rounding.spansTokens() ? rounding.spanning(largest(copy)) : rounding;
            EngineTensors.write(
                    copy,
                    (from, to, tokens) -> known.round(
                            tokens, to - from, EngineTensors.shape(copy).rowLength()));
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
        return copy;
    }

    /** The largest magnitude; numbers that are none are passed over. */
    private static float largest(NDArray tensor) throws IOException {
        float[] largest = new float[1];
        EngineTensors.read(tensor, (from, to, tokens) -> {
            for (long i = 0; i < tokens.byteSize() / Float.BYTES; i++) {
                float magnitude = Math.abs(tokens.get(ValueLayout.JAVA_FLOAT_UNALIGNED, i * Float.BYTES));
                largest[0] = Float.isFinite(magnitude) ? Math.max(largest[0], magnitude) : largest[0];
            }
        });
        return largest[0];
    }
}
