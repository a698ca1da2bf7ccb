package io.millrace.tensors.kernel.gguf;

/**
 * Specification of the search for one signed scale and codes from −half to half − 1: the least-squares scale of 19
 * trials that explains the most. The reference calls it qx. Codes are kept with {@code half} added.
 */
record ScalarSymmetricSearch(int half) {
    static final ScalarSymmetricSearch Q3_K = new ScalarSymmetricSearch(4);
    static final ScalarSymmetricSearch Q4_0 = new ScalarSymmetricSearch(8);
    static final ScalarSymmetricSearch Q5_0 = new ScalarSymmetricSearch(16);
    static final ScalarSymmetricSearch Q6_K = new ScalarSymmetricSearch(32);

    /** A group whose largest magnitude is below this is all zero to the reference. */
    static final float TINY = 1e-15f;

    static final int TRIALS = 19;

    /** The trial's offset from {@code half}, in tenths: 0 first, then −9 to 9 without it. */
    static int tenths(int trial) {
        return trial == 0 ? 0 : trial <= 9 ? trial - 10 : trial - 9;
    }

    /** Fits x[from, from + count) with weights w[wFrom …], leaves the codes at codes[codesFrom …] and gives the scale. */
    float fit(float[] x, int from, int count, float[] w, int wFrom, int[] codes, int codesFrom) {
        float largest = ScalarBlocks32.signedLargest(x, from, count);
        if (Math.abs(largest) < TINY) {
            java.util.Arrays.fill(codes, codesFrom, codesFrom + count, 0);
            return 0;
        }
        float scale = 0;
        float best = 0;
        for (int trial = 0; trial < TRIALS; trial++) {
            float inverse = -(half + 0.1f * tenths(trial)) / largest;
            float sumXL = 0;
            float sumLL = 0;
            for (int i = 0; i < count; i++) {
                float value = x[from + i];
                int code = Rounding.nearest(inverse * value, -half, half - 1);
                sumXL += w[wFrom + i] * value * code;
                sumLL += w[wFrom + i] * code * code;
            }
            boolean better = trial == 0 || (sumLL > 0 && sumXL * sumXL > best * sumLL);
            if (better) {
                for (int i = 0; i < count; i++) {
                    codes[codesFrom + i] = Rounding.nearest(inverse * x[from + i], -half, half - 1) + half;
                }
                scale = sumLL == 0 ? 0 : sumXL / sumLL;
                best = scale * sumXL;
            }
        }
        return scale;
    }
}
