package io.millrace.tensors.kernel.gguf;

/**
 * Specification of the search for the scale and the minimum ≤ 0 of a sub-block that leave the smallest weighted error,
 * by a least-squares fit around {@code steps + 1} trial scales. The reference calls it qkx.
 *
 * @param elements of a sub-block
 * @param top largest code
 * @param first offset of the first trial from {@code top}
 * @param stride from one trial to the next
 * @param absolute whether the error is a sum of magnitudes; else of squares
 */
record ScalarAffineSearch(int elements, int top, float first, float stride, int steps, boolean absolute) {
    static final ScalarAffineSearch Q2_K = new ScalarAffineSearch(16, 3, -0.5f, 0.1f, 15, true);
    static final ScalarAffineSearch Q4_K = new ScalarAffineSearch(32, 15, -1f, 0.1f, 20, false);
    static final ScalarAffineSearch Q5_K = new ScalarAffineSearch(32, 31, -0.5f, 0.1f, 15, false);

    /** The finer search that the reference makes when it knows the importance of columns. */
    static ScalarAffineSearch weighted(int elements, int top) {
        return new ScalarAffineSearch(elements, top, -0.9f, 0.05f, 36, false);
    }

    /** Scale of a sub-block and minus its minimum. */
    record Fit(float scale, float negatedMin) {}

    /** Fits x[from, from + elements) with weights w[0, elements) and leaves the codes at codes[codesFrom …]. */
    Fit fit(float[] x, int from, float[] w, int[] codes, int codesFrom) {
        float min = x[from];
        float max = x[from];
        float sumW = w[0];
        float sumX = sumW * x[from];
        for (int i = 1; i < elements; i++) {
            float value = x[from + i];
            min = value < min ? value : min;
            max = value > max ? value : max;
            sumW += w[i];
            sumX += w[i] * value;
        }
        min = min > 0 ? 0 : min;
        if (max == min) {
            java.util.Arrays.fill(codes, codesFrom, codesFrom + elements, 0);
            return new Fit(0, -min);
        }
        float inverse = top / (max - min);
        float scale = 1 / inverse;
        int[] trial = new int[elements];
        encode(x, from, inverse, min, trial);
        System.arraycopy(trial, 0, codes, codesFrom, elements);
        float best = error(x, from, w, trial, scale, min);
        for (int step = 0; step <= steps; step++) {
            inverse = (first + stride * step + top) / (max - min);
            encode(x, from, inverse, min, trial);
            float sumL = 0;
            float sumLL = 0;
            float sumXL = 0;
            for (int i = 0; i < elements; i++) {
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
                    System.arraycopy(trial, 0, codes, codesFrom, elements);
                    best = error;
                    scale = newScale;
                    min = newMin;
                }
            }
        }
        return new Fit(scale, -min);
    }

    private void encode(float[] x, int from, float inverse, float min, int[] codes) {
        for (int i = 0; i < elements; i++) {
            codes[i] = Rounding.nearest(inverse * (x[from + i] - min), 0, top);
        }
    }

    private float error(float[] x, int from, float[] w, int[] codes, float scale, float min) {
        float error = 0;
        for (int i = 0; i < elements; i++) {
            float difference = scale * codes[i] + min - x[from + i];
            error += w[i] * (absolute ? Math.abs(difference) : difference * difference);
        }
        return error;
    }
}
