package io.millrace.models;

import ai.djl.ndarray.NDArray;

/** Sees the exact input of each linear map during a forward pass: what calibration needs. */
@FunctionalInterface
public interface ActivationTap {
    ActivationTap NONE = (weight, input) -> {};

    /**
     * @param weight name of the weight that is about to be applied
     * @param input [batch, length, in] f32, valid during the call
     */
    void input(String weight, NDArray input);
}
