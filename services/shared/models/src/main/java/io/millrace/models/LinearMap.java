package io.millrace.models;

import ai.djl.ndarray.NDArray;
import ai.djl.nn.core.Linear;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A linear map: x [.., in] → x · weightᵀ + bias [.., out]. */
record LinearMap(
        String name,
        NDArray weight, // [out, in]
        @Nullable NDArray bias) { // [out]

    /** The map of a matrix, with the bias beside it if there is one. */
    static LinearMap of(Map<String, NDArray> weights, String name) {
        String module = name.substring(0, name.lastIndexOf('.'));
        return new LinearMap(name, weight(weights, name), weights.get(module + ".bias"));
    }

    static NDArray weight(Map<String, NDArray> weights, String name) {
        NDArray weight = weights.get(name);
        if (weight == null) {
            throw new IllegalStateException("no tensor '" + name + "' among those that were loaded");
        }
        return weight;
    }

    NDArray apply(NDArray x, ActivationTap tap) {
        tap.input(name, x);
        // The activation comes first in every operation: a result lives in the scope of its first operand.
        return bias == null
                ? Linear.linear(x, weight).get(0)
                : Linear.linear(x, weight, bias).get(0);
    }
}
