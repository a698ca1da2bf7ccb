package io.millrace.tensors.kernel.gguf;

/**
 * Specification of the search that Q4_K and Q5_K make for each sub-block of 32: scale and minimum ≤ 0 of smallest
 * weighted squared error, by a least-squares fit around {@code steps + 1} trial scales. The reference calls it qkx2.
 *
 * @param top largest code
 * @param first offset of the first trial from {@code top}
 */
record ScalarAffineSearch(int top, float first, int steps) {
    static final ScalarAffineSearch Q4_K = new ScalarAffineSearch(15, -1f, 20);
    static final ScalarAffineSearch Q5_K = new ScalarAffineSearch(31, -0.5f, 15);
    static final int ELEMENTS = 32;

    /** Scale of a sub-block and minus its minimum. */
    record Fit(float scale, float negatedMin) {}

    /** Fits x[from, from + 32) with weights w[0, 32) and leaves the codes at codes[codesFrom …]. */
    Fit fit(float[] x, int from, float[] w, int[] codes, int codesFrom) {
        float min = x[from];
        float max = x[from];
        float sumW = w[0];
        float sumX = sumW * x[from];
        for (int i = 1; i < ELEMENTS; i++) {
            float value = x[from + i];
            min = value < min ? value : min;
            max = value > max ? value : max;
            sumW += w[i];
            sumX += w[i] * value;
        }
        min = min > 0 ? 0 : min;
        if (max == min) {
            java.util.Arrays.fill(codes, codesFrom, codesFrom + ELEMENTS, 0);
            return new Fit(0, -min);
        }
        float inverse = top / (max - min);
        float scale = 1 / inverse;
        int[] trial = new int[ELEMENTS];
        encode(x, from, inverse, min, trial);
        System.arraycopy(trial, 0, codes, codesFrom, ELEMENTS);
        float best = error(x, from, w, trial, scale, min);
        for (int step = 0; step <= steps; step++) {
            inverse = (first + 0.1f * step + top) / (max - min);
            encode(x, from, inverse, min, trial);
            float sumL = 0;
            float sumLL = 0;
            float sumXL = 0;
            for (int i = 0; i < ELEMENTS; i++) {
                float wl = w[i] * trial[i];
                sumL += wl;
                sumLL += wl * trial[i];
                sumXL += wl * x[from + i];
            }
            float determinant = sumW * sumLL - sumL * sumL;
            if (determinant > 0) {
                float newScale = (sumW * sumXL - sumX * sumL) / determinant;
                float newMin = (sumLL * sumX - sumL * sumXL) / determinant;
                if (newMin > 0) {
                    newMin = 0;
                    newScale = sumXL / sumLL;
                }
                float error = error(x, from, w, trial, newScale, newMin);
                if (error < best) {
                    System.arraycopy(trial, 0, codes, codesFrom, ELEMENTS);
                    best = error;
                    scale = newScale;
                    min = newMin;
                }
            }
        }
        return new Fit(scale, -min);
    }

    private void encode(float[] x, int from, float inverse, float min, int[] codes) {
        for (int i = 0; i < ELEMENTS; i++) {
            codes[i] = Rounding.nearest(inverse * (x[from + i] - min), 0, top);
        }
    }

    private static float error(float[] x, int from, float[] w, int[] codes, float scale, float min) {
        float error = 0;
        for (int i = 0; i < ELEMENTS; i++) {
            float difference = scale * codes[i] + min - x[from + i];
            error += w[i] * (difference * difference);
        }
        return error;
    }
}
