package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.kernel.Lanes;
import jdk.incubator.vector.FloatVector;

/**
 * The codes of sub-blocks once their scales are final, one behind the other: unlike the search they need no sums, so
 * neighbouring elements lie in the lanes. Where a scale is 0 the codes of the search stay, which the caller puts there.
 */
final class LaneFinalCodes {
    private static final int LANES = LaneCodes.LANES;

    private LaneFinalCodes() {}

    /** Codes from 0 to {@code top} of {@code count} sub-blocks from x[from …] with scales and negated minima. */
    static void affine(
            float[] x, int from, int elements, int count, float[] scales, float[] mins, int top, int[] codes) {
        for (int j = 0; j < count; j++) {
            float scale = scales[j];
            float min = mins[j];
            for (int i = j * elements; i < (j + 1) * elements; i += LANES) {
                FloatVector value = FloatVector.fromArray(Lanes.FLOATS, x, from + i);
                LaneRounding.nearest(value.add(min).div(scale), 0, top).intoArray(codes, i);
            }
        }
    }

    /** Codes from 0 to 2 · half − 1 of {@code count} sub-blocks from x[from …] with scales. */
    static void symmetric(float[] x, int from, int elements, int count, float[] scales, int half, int[] codes) {
        for (int j = 0; j < count; j++) {
            float scale = scales[j];
            for (int i = j * elements; i < (j + 1) * elements; i += LANES) {
                FloatVector value = FloatVector.fromArray(Lanes.FLOATS, x, from + i);
                LaneRounding.nearest(value.div(scale), -half, half - 1)
                        .add(half)
                        .intoArray(codes, i);
            }
        }
    }

    /** Whether one of the first scales is 0. */
    static boolean anyZero(float[] scales, int count) {
        for (int j = 0; j < count; j++) {
            if (scales[j] == 0) {
                return true;
            }
        }
        return false;
    }

    /** Puts the codes of the search, in columns, where a scale is 0. */
    static void keep(int[] searched, int elements, int count, float[] scales, int[] codes) {
        for (int j = 0; j < count; j++) {
            for (int i = 0; scales[j] == 0 && i < elements; i++) {
                codes[j * elements + i] = searched[i * LanePass.COLUMNS + j];
            }
        }
    }
}
