package io.millrace.tensors.architecture;

import java.util.List;

/** How rotary angles are stretched for contexts longer than the model was first trained on. */
public sealed interface RopeScaling {
    /** Long wavelengths divided by the factor, short ones kept, smooth in between. */
    record Llama3(double factor, double lowFrequencyFactor, double highFrequencyFactor, int originalPositions)
            implements RopeScaling {
        /** The angle per position of a pair that turned by {@code frequency} before. */
        public double scaled(double frequency) {
            double turns = originalPositions * frequency / (2 * Math.PI);
            if (turns > highFrequencyFactor) {
                return frequency;
            }
            if (turns < lowFrequencyFactor) {
                return frequency / factor;
            }
            double smooth = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
            return (1 - smooth) * frequency / factor + smooth * frequency;
        }
    }

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
