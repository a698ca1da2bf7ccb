package io.millrace.models;

import ai.djl.ndarray.NDArray;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.Trait;

/** An RMS norm over the last axis: x / sqrt(mean(x²) + ε) · gain. */
record Norm(
        NDArray weight, // [size]: the gain, or the gain - 1
        boolean offset,
        double epsilon) {

    static Norm of(WeightTable weights, String name, ModelConfig config) {
        return new Norm(weights.require(name), config.architecture().has(Trait.NORM_OFFSET), config.normEpsilon());
    }

    NDArray apply(NDArray x) {
        NDArray meanSquare = x.square().mean(new int[] {-1}, true);
        NDArray normed = x.div(
                meanSquare.add(TensorRuntime.scalar(x.getManager(), epsilon)).sqrt());
        NDArray scaled = normed.mul(weight);
        return offset ? scaled.add(normed) : scaled;
    }
}
