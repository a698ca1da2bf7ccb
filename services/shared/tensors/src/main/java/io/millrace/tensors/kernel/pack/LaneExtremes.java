package io.millrace.tensors.kernel.pack;

import io.millrace.tensors.kernel.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** The extremes of finite weights: comparisons only, so that the order in which lanes meet changes nothing. */
final class LaneExtremes {
    private static final int LANES = Lanes.FLOATS.length();

    private LaneExtremes() {}

    /** The largest magnitude in [from, to). */
    static float magnitude(float[] weights, int from, int to) {
        // Magnitudes have the order of their bits.
        IntVector most = IntVector.zero(Lanes.INTS);
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            most = most.max(FloatVector.fromArray(Lanes.FLOATS, weights, i)
                    .reinterpretAsInts()
                    .and(Integer.MAX_VALUE));
        }
        float magnitude = Float.intBitsToFloat(most.reduceLanes(VectorOperators.MAX));
        for (; i < to; i++) {
            magnitude = Math.max(magnitude, Math.abs(weights[i]));
        }
        return magnitude;
    }

    /** The least in [from, to), or 0. */
    static float least(float[] weights, int from, int to) {
        // Bits of negative numbers have the reverse order; those of others are positive numbers.
        IntVector least = IntVector.zero(Lanes.INTS);
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            IntVector bits = FloatVector.fromArray(Lanes.FLOATS, weights, i).reinterpretAsInts();
            least = least.max(bits.lanewise(VectorOperators.XOR, Integer.MIN_VALUE));
        }
        return Math.min(
                -Float.intBitsToFloat(least.reduceLanes(VectorOperators.MAX)), ScalarPieces.least(weights, i, to));
    }

    /** The largest in [from, to), or 0. */
    static float most(float[] weights, int from, int to) {
        IntVector most = IntVector.zero(Lanes.INTS);
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            most = most.max(FloatVector.fromArray(Lanes.FLOATS, weights, i).reinterpretAsInts());
        }
        return Math.max(Float.intBitsToFloat(most.reduceLanes(VectorOperators.MAX)), ScalarPieces.most(weights, i, to));
    }
}
