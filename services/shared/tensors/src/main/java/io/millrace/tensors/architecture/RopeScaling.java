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

    /**
     * Pairs that turn often within {@code originalPositions} kept, those that turn less than once divided by the factor,
     * and between the two by a share that grows from pair to pair; cosines and sines are multiplied by
     * {@link #attentionFactor} (Peng et al., YaRN, 2023).
     */
    record Yarn(double factor, int originalPositions) implements RopeScaling {
        /** Turns within the original positions from which on a pair is kept. */
        private static final double KEPT_TURNS = 32;

        /** Turns up to which a pair is divided in full. */
        private static final double DIVIDED_TURNS = 1;

        /** The paper's 0.1 ln(s) + 1. */
        public double attentionFactor() {
            return factor > 1 ? 0.1 * StrictMath.log(factor) + 1 : 1;
        }

        /**
         * What a pair turns by.
         *
         * @param plain what it would turn by without scaling
         * @param size elements of a head that turn
         */
        public double frequency(double plain, int pair, int size, double base) {
            double from = Math.max(0, Math.floor(pairThatTurns(KEPT_TURNS, size, base)));
            double to = Math.min(size - 1, Math.ceil(pairThatTurns(DIVIDED_TURNS, size, base)));
            double share = Math.clamp((pair - from) / Math.max(0.001, to - from), 0.0, 1.0);
            return plain / factor * share + plain * (1 - share);
        }

        private double pairThatTurns(double turns, int size, double base) {
            return size * StrictMath.log(originalPositions / (turns * 2 * Math.PI)) / (2 * StrictMath.log(base));
        }
    }
}
