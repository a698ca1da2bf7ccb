package io.millrace.models;

import ai.djl.ndarray.NDArray;

/** Sees the exact input of each linear map during a forward pass: what calibration needs. */
@FunctionalInterface
public interface ActivationTap {
    ActivationTap NONE = (weight, input) -> {};

    /**
     * @param weight name of the weight that is about to be applied
     * @param input [.., in] f32, valid during the call: [batch, length, in], or for an expert's weight [tokens that come to
     *     it, in]
     */
    void input(String weight, NDArray input);
}
