package io.millrace.tensors.architecture;

import java.util.List;

/** How rotary angles are stretched for contexts longer than the model was first trained on. */
public sealed interface RopeScaling {
    /** Long wavelengths divided by the factor, short ones kept, smooth in between. */
    record Llama3(double factor, double lowFrequencyFactor, double highFrequencyFactor, int originalPositions)
            implements RopeScaling {}

    /** Every angle divided by the factor. */
    record Linear(double factor) implements RopeScaling {}

    /**
     * A divisor for each rotary pair, one list for contexts up to {@code originalPositions} and one for longer ones;
     * cosines and sines are multiplied by {@code attentionFactor} in both.
     */
    record LongRope(List<Double> shortFactors, List<Double> longFactors, int originalPositions, double attentionFactor)
            implements RopeScaling {
        public LongRope {
            shortFactors = List.copyOf(shortFactors);
            longFactors = List.copyOf(longFactors);
        }
    }
}
