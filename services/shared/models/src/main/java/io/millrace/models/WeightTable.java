package io.millrace.models;

import ai.djl.ndarray.NDArray;
import io.millrace.tensors.kernel.pack.InputRounding;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Loaded weights by Hugging Face name, and how the inputs of some are rounded.
 *
 * @param roundings by the name of the weight; inputs of all others stay as they are
 */
record WeightTable(Map<String, NDArray> tensors, Map<String, InputRounding> roundings) {
    NDArray require(String name) {
        NDArray weight = tensors.get(name);
        if (weight == null) {
            throw new IllegalStateException("no tensor '" + name + "' among those that were loaded");
        }
        return weight;
    }

    @Nullable
    NDArray find(String name) {
        return tensors.get(name);
    }

    @Nullable
    InputRounding rounding(String name) {
        return roundings.get(name);
    }
}
