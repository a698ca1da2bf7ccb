package io.millrace.tensors.kernel.pack;

import java.lang.foreign.MemorySegment;

/**
 * How those who run a model round what goes into a linear map. What the map then computes with is code * scale; the code
 * itself is never seen.
 */
public interface InputRounding {
    /**
     * Rounds the inputs of some tokens in place.
     *
     * @param inputs [tokens, length] f32, native byte order, from its start
     */
    void round(MemorySegment inputs, long tokens, long length);

    /** Whether the scale depends on all tokens that go through the map together. */
    default boolean spansTokens() {
        return false;
    }

    /** The rounding of tokens among which the largest number has this magnitude. */
    default InputRounding spanning(float largestMagnitude) {
        return this;
    }
}
