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
    private static final int SUB = ScalarAffineSearch.ELEMENTS;

    private ScalarAffineBlocks() {}

    static void quantize(ScalarAffineSearch search, float[] x, int from, byte[] out, int at) {
        float[] scales = new float[SUB_BLOCKS];
        float[] mins = new float[SUB_BLOCKS];
        int[] codes = new int[ELEMENTS];
        float[] w = new float[SUB];
        for (int j = 0; j < SUB_BLOCKS; j++) {
            int start = from + SUB * j;
            float squares = 0;
            for (int i = 0; i < SUB; i++) {
                squares += x[start + i] * x[start + i];
            }
            float mean = (float) Math.sqrt(squares / SUB);
            for (int i = 0; i < SUB; i++) {
                w[i] = mean + Math.abs(x[start + i]);
            }
            ScalarAffineSearch.Fit fit = search.fit(x, start, w, codes, SUB * j);
            scales[j] = fit.scale();
            mins[j] = fit.negatedMin();
        }
        AffinePacking packing = AffinePacking.of(scales, mins, 0);
        for (int j = 0; j < SUB_BLOCKS; j++) {
            float d = packing.scale(j);
            if (d != 0) {
                float min = packing.min(j);
                for (int i = 0; i < SUB; i++) {
                    int k = SUB * j + i;
                    codes[k] = Rounding.nearest((x[from + k] + min) / d, 0, search.top());
                }
            }
        }
        packing.write(search.top() > 15, codes, 0, SUB, 1, out, at);
    }
}
