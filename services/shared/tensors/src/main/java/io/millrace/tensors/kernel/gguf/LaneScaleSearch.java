package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.kernel.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link ScalarSymmetricSearch} for one group of numbers with the trials in lanes: for the few scales of a super-block,
 * which would fill no columns.
 */
final class LaneScaleSearch {
    private static final VectorSpecies<Float> S = Lanes.FLOATS;
    /** Trials rounded up to whole vectors of any width; the surplus repeats the first. */
    private static final int PADDED = 32;

    private final int half;
    private final float[] numerators = new float[PADDED];
    private final float[] inverses = new float[PADDED];
    private final float[] sumXL = new float[PADDED];
    private final float[] sumLL = new float[PADDED];

    LaneScaleSearch(int half) {
        this.half = half;
        for (int trial = 0; trial < PADDED; trial++) {
            int known = trial < ScalarSymmetricSearch.TRIALS ? trial : 0;
            numerators[trial] = -(half + 0.1f * ScalarSymmetricSearch.tenths(known));
        }
    }

    /** Fits x[from, from + count) with weights w, leaves the codes at the same places and gives the scale. */
    float fit(float[] x, float[] w, int from, int count, int[] codes) {
        float largest = ScalarBlocks32.signedLargest(x, from, count);
        if (Math.abs(largest) < ScalarSymmetricSearch.TINY) {
            java.util.Arrays.fill(codes, from, from + count, 0);
            return 0;
        }
        for (int lane = 0; lane < ScalarSymmetricSearch.TRIALS; lane += S.length()) {
            sums(x, w, from, from + count, largest, lane);
        }
        int chosen = 0;
        float scale = sumLL[0] == 0 ? 0 : sumXL[0] / sumLL[0];
        float best = scale * sumXL[0];
        for (int trial = 1; trial < ScalarSymmetricSearch.TRIALS; trial++) {
            if (sumLL[trial] > 0 && sumXL[trial] * sumXL[trial] > best * sumLL[trial]) {
                chosen = trial;
                scale = sumXL[trial] / sumLL[trial];
                best = scale * sumXL[trial];
            }
        }
        for (int i = from; i < from + count; i++) {
            codes[i] = Rounding.nearest(inverses[chosen] * x[i], -half, half - 1) + half;
        }
        return scale;
    }

    private void sums(float[] x, float[] w, int from, int to, float largest, int lane) {
        FloatVector inverse = FloatVector.fromArray(S, numerators, lane).div(largest);
        FloatVector xl = FloatVector.zero(S);
        FloatVector ll = FloatVector.zero(S);
        for (int i = from; i < to; i++) {
            FloatVector code = LaneRounding.nearestAsFloat(inverse.mul(x[i]), -half, half - 1);
            xl = xl.add(code.mul(w[i] * x[i]));
            ll = ll.add(code.mul(w[i]).mul(code));
        }
        inverse.intoArray(inverses, lane);
        xl.intoArray(sumXL, lane);
        ll.intoArray(sumLL, lane);
    }
}
