package io.millrace.tensors.kernel.gguf;

/** How much the error of each element counts when it also matters how strongly its column is used. */
final class ScalarWeights {
    private ScalarWeights() {}

    /** Σ x² over x[from, from + count). */
    static float squares(float[] x, int from, int count) {
        float squares = 0;
        for (int i = 0; i < count; i++) {
            squares += x[from + i] * x[from + i];
        }
        return squares;
    }

    /** w[i] = importance[i] · √(variance + x[i]²); their sum is the result. */
    static float weigh(
            float[] x, int from, int count, float variance, float[] importance, int importanceFrom, float[] w) {
        float sum = 0;
        for (int i = 0; i < count; i++) {
            float value = x[from + i];
            w[i] = importance[importanceFrom + i] * (float) Math.sqrt(variance + value * value);
            sum += w[i];
        }
        return sum;
    }
}
