package io.millrace.models;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.millrace.tensors.TensorSpec;
import java.io.IOException;

/** Makes the engine tensor of one weight. */
@FunctionalInterface
interface WeightFiller {
    NDArray fill(NDManager scope, TensorSpec spec) throws IOException;
}
