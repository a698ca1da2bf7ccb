package io.millrace.tensors.kernel.gguf;

/**
 * Numbers ≥ 0 as multiples of one step, by weighted squared error: nine trial steps, then up to five passes that change
 * one level at a time. The reference calls it qp. There are a few numbers per super-block, so it has no vector twin.
 */
final class PositiveLevels {
    private static final int PASSES = 5;

    private final float step;
    private final int[] levels;

    private PositiveLevels(float step, int[] levels) {
        this.step = step;
        this.levels = levels;
    }

    /** The step by least squares; 0 where all numbers are 0. */
    float step() {
        return step;
    }

    /** From 0 to the largest level. */
    int[] levels() {
        return levels;
    }

    /** Levels up to {@code top} for x[from, from + count) with weights w[from …]. */
    static PositiveLevels of(float[] x, float[] w, int from, int count, int top) {
        int[] levels = new int[count];
        float max = 0;
        for (int i = 0; i < count; i++) {
            max = x[from + i] > max ? x[from + i] : max;
        }
        if (max == 0) {
            return new PositiveLevels(0, levels);
        }
        float inverse = bestInverse(x, w, from, count, top, max);
        float sumXL = 0;
        float sumLL = 0;
        for (int i = 0; i < count; i++) {
            int level = Math.min(top, Rounding.nearest(inverse * x[from + i]));
            levels[i] = level & 0xff;
            sumXL += w[from + i] * x[from + i] * level;
            sumLL += w[from + i] * level * level;
        }
        for (int pass = 0; pass < PASSES; pass++) {
            boolean changed = false;
            for (int i = 0; i < count; i++) {
                float value = x[from + i];
                float weight = w[from + i];
                float xl = sumXL - weight * value * levels[i];
                float ll = sumLL - weight * levels[i] * levels[i];
                if (xl > 0 && ll > 0) {
                    int level = Math.min(top, Rounding.nearest(value * ll / xl));
                    if (level != levels[i]) {
                        xl += weight * value * level;
                        ll += weight * level * level;
                        if (xl * xl * sumLL > sumXL * sumXL * ll) {
                            levels[i] = level & 0xff;
                            sumXL = xl;
                            sumLL = ll;
                            changed = true;
                        }
                    }
                }
            }
            if (!changed) {
                break;
            }
        }
        return new PositiveLevels(sumLL > 0 ? sumXL / sumLL : 0, levels);
    }

    private static float bestInverse(float[] x, float[] w, int from, int count, int top, float max) {
        float inverse = top / max;
        float best = error(x, w, from, count, inverse, top);
        for (int tenths = -4; tenths <= 4; tenths++) {
            if (tenths != 0) {
                float trial = (0.1f * tenths + top) / max;
                float error = error(x, w, from, count, trial, top);
                if (error < best) {
                    best = error;
                    inverse = trial;
                }
            }
        }
        return inverse;
    }

    private static float error(float[] x, float[] w, int from, int count, float inverse, int top) {
        float scale = 1 / inverse;
        float error = 0;
        for (int i = 0; i < count; i++) {
            int level = Math.min(top, Rounding.nearest(inverse * x[from + i]));
            float difference = x[from + i] - scale * level;
            error += w[from + i] * difference * difference;
        }
        return error;
    }
}
