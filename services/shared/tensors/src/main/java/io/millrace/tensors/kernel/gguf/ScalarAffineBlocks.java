package io.millrace.tensors.kernel.gguf;

/**
 * Specification of Q4_K and Q5_K: super-blocks of 256 in 8 sub-blocks of 32, whose scales and minima are 6-bit codes.
 *
 * <pre>
 * Q4_K 144 bytes  f16 d; f16 dmin; u8 scales[12]; u8 low[128]
 * Q5_K 176        f16 d; f16 dmin; u8 scales[12]; u8 high[32]; u8 low[128]
 * value           d · scale · q − dmin · min
 * </pre>
 */
final class ScalarAffineBlocks {
    static final int ELEMENTS = 256;
    static final int SUB_BLOCKS = 8;
    private static final int SUB = 32;

    private ScalarAffineBlocks() {}

    static void quantize(ScalarAffineSearch search, float[] x, int from, byte[] out, int at) {
        float[] scales = new float[SUB_BLOCKS];
        float[] mins = new float[SUB_BLOCKS];
        int[] codes = new int[ELEMENTS];
        float[] w = new float[SUB];
        for (int j = 0; j < SUB_BLOCKS; j++) {
            int start = from + SUB * j;
            float mean = (float) Math.sqrt(ScalarWeights.squares(x, start, SUB) / SUB);
            for (int i = 0; i < SUB; i++) {
                w[i] = mean + Math.abs(x[start + i]);
            }
            ScalarAffineSearch.Fit fit = search.fit(x, start, w, codes, SUB * j);
            scales[j] = fit.scale();
            mins[j] = fit.negatedMin();
        }
        finish(search.top(), AffinePacking.of(scales, mins, 0), x, from, codes, out, at);
    }

    /** The same with an importance for each element. */
    static void quantize(int top, float[] x, int from, float[] importance, int importanceFrom, byte[] out, int at) {
        ScalarAffineSearch search = ScalarAffineSearch.weighted(SUB, top);
        float[] scales = new float[SUB_BLOCKS];
        float[] mins = new float[SUB_BLOCKS];
        float[] sums = new float[SUB_BLOCKS];
        int[] codes = new int[ELEMENTS];
        float[] w = new float[SUB];
        float variance = 2 * ScalarWeights.squares(x, from, ELEMENTS) / ELEMENTS;
        for (int j = 0; j < SUB_BLOCKS; j++) {
            int start = from + SUB * j;
            sums[j] = ScalarWeights.weigh(x, start, SUB, variance, importance, importanceFrom + SUB * j, w);
            ScalarAffineSearch.Fit fit = search.fit(x, start, w, codes, SUB * j);
            scales[j] = fit.scale();
            mins[j] = fit.negatedMin();
        }
        finish(top, AffinePacking.weighted(scales, mins, sums, 0), x, from, codes, out, at);
    }

    private static void finish(int top, AffinePacking packing, float[] x, int from, int[] codes, byte[] out, int at) {
        for (int j = 0; j < SUB_BLOCKS; j++) {
            float d = packing.scale(j);
            if (d != 0) {
                float min = packing.min(j);
                for (int i = 0; i < SUB; i++) {
                    int k = SUB * j + i;
                    codes[k] = Rounding.nearest((x[from + k] + min) / d, 0, top);
                }
            }
        }
        packing.write(top > 15, codes, 0, SUB, 1, out, at);
    }
}
