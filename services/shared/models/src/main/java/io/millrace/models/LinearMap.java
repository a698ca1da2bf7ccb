package io.millrace.models;

import ai.djl.ndarray.NDArray;
import ai.djl.nn.core.Linear;
import org.jspecify.annotations.Nullable;

/** A linear map: x [.., in] → x · weightᵀ + bias [.., out]. */
record LinearMap(
        String name,
        NDArray weight, // [out, in]
        @Nullable NDArray bias) { // [out]

    NDArray apply(NDArray x, ActivationTap tap) {
        tap.input(name, x);
        // The activation comes first in every operation: a result lives in the scope of its first operand.
        return bias == null
                ? Linear.linear(x, weight).get(0)
                : Linear.linear(x, weight, bias).get(0);
    }
}
