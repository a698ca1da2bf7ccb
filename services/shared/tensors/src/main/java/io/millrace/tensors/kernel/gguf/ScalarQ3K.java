package io.millrace.tensors.kernel.gguf;

/**
 * Specification of Q3_K: super-blocks of 256 in 16 sub-blocks of 16 with signed 6-bit scales.
 *
 * <pre>
 * Q3_K 110 bytes  u8 high[32]; u8 low[64]; u8 scales[12]; f16 d     value d · (scale − 32) · (q − 4)
 * </pre>
 *
 * Without importances each element weighs its square, and the codes are improved one at a time.
 */
final class ScalarQ3K {
    static final int ELEMENTS = 256;
    static final int SUB_BLOCKS = 16;
    static final int SUB = 16;
    static final int HALF = 4;
    static final int SCALE_HALF = 32;
    static final int PASSES = 5;

    private ScalarQ3K() {}

    static void quantize(float[] x, int from, byte[] out, int at) {
        int[] codes = new int[ELEMENTS];
        float[] scales = new float[SUB_BLOCKS];
        for (int j = 0; j < SUB_BLOCKS; j++) {
            scales[j] = search(x, from + SUB * j, codes, SUB * j);
        }
        int[] scaleCodes = new int[SUB_BLOCKS];
        short d = scaleCodes(scales, 0, scaleCodes);
        finish(d, scaleCodes, x, from, codes, out, at);
    }

    /** The same with an importance for each element. */
    static void quantize(float[] x, int from, float[] importance, int importanceFrom, byte[] out, int at) {
        int[] codes = new int[ELEMENTS];
        float[] scales = new float[SUB_BLOCKS];
        float[] sums = new float[SUB_BLOCKS];
        float[] w = new float[SUB];
        float variance = 2 * ScalarWeights.squares(x, from, ELEMENTS) / ELEMENTS;
        for (int j = 0; j < SUB_BLOCKS; j++) {
            int start = from + SUB * j;
            sums[j] = ScalarWeights.weigh(x, start, SUB, variance, importance, importanceFrom + SUB * j, w);
            scales[j] = ScalarSymmetricSearch.Q3_K.fit(x, start, SUB, w, 0, codes, SUB * j);
        }
        int[] scaleCodes = new int[SUB_BLOCKS];
        short d = weightedScaleCodes(scales, sums, scaleCodes);
        finish(d, scaleCodes, x, from, codes, out, at);
    }

    /** Codes from 0 to 63 at the places of scales[from, from + 16), so that the largest gets 0; the step as a half. */
    static short scaleCodes(float[] scales, int from, int[] codes) {
        float largest = ScalarBlocks32.signedLargest(scales, from, SUB_BLOCKS);
        if (largest == 0) {
            java.util.Arrays.fill(codes, from, from + SUB_BLOCKS, 0);
            return 0;
        }
        float inverse = -SCALE_HALF / largest;
        for (int j = from; j < from + SUB_BLOCKS; j++) {
            byte code = (byte) Rounding.nearest(inverse * scales[j]);
            codes[j] = Math.max(-SCALE_HALF, Math.min(SCALE_HALF - 1, code)) + SCALE_HALF;
        }
        return Float.floatToFloat16(1 / inverse);
    }

    /** The same by the error weighted with the sums of weights of the sub-blocks. */
    private static short weightedScaleCodes(float[] scales, float[] sums, int[] codes) {
        float step = new ScalarSymmetricSearch(SCALE_HALF).fit(scales, 0, SUB_BLOCKS, sums, 0, codes, 0);
        return Float.floatToFloat16(step);
    }

    private static void finish(short d, int[] scaleCodes, float[] x, int from, int[] codes, byte[] out, int at) {
        for (int j = 0; j < SUB_BLOCKS; j++) {
            float step = Float.float16ToFloat(d) * (scaleCodes[j] - SCALE_HALF);
            if (step != 0) {
                for (int i = 0; i < SUB; i++) {
                    int k = SUB * j + i;
                    codes[k] = Rounding.nearest(x[from + k] / step, -HALF, HALF - 1) + HALF;
                }
            }
        }
        pack(codes, 0, out, at);
        writeScales(d, scaleCodes, 0, out, at);
    }

    static void pack(int[] codes, int from, byte[] out, int at) {
        for (int i = 0; i < 32; i++) {
            int high = 0;
            for (int bit = 0; bit < 8; bit++) {
                high |= codes[from + 32 * bit + i] >> 2 << bit;
            }
            out[at + i] = (byte) high;
        }
        ScalarQ2K.packPairs(codes, from, out, at + 32);
    }

    static void writeScales(short d, int[] scaleCodes, int from, byte[] out, int at) {
        for (int i = 0; i < 8; i++) {
            int j = from + i;
            out[at + 96 + i] = (byte) ((scaleCodes[j] & 15) | ((scaleCodes[j + 8] & 15) << 4));
        }
        for (int i = 0; i < 4; i++) {
            int j = from + i;
            out[at + 104 + i] = (byte) ((scaleCodes[j] >> 4)
                    | ((scaleCodes[j + 4] >> 4) << 2)
                    | ((scaleCodes[j + 8] >> 4) << 4)
                    | ((scaleCodes[j + 12] >> 4) << 6));
        }
        out[at + 108] = (byte) d;
        out[at + 109] = (byte) (d >> 8);
    }

    /** The reference calls it q3. */
    private static float search(float[] x, int from, int[] codes, int codesFrom) {
        float largest = ScalarBlocks32.signedLargest(x, from, SUB);
        if (Math.abs(largest) < ScalarSymmetricSearch.TINY) {
            java.util.Arrays.fill(codes, codesFrom, codesFrom + SUB, 0);
            return 0;
        }
        int[] levels = new int[SUB];
        float inverse = -HALF / largest;
        float sumXL = 0;
        float sumLL = 0;
        for (int i = 0; i < SUB; i++) {
            float value = x[from + i];
            float w = value * value;
            levels[i] = Rounding.nearest(inverse * value, -HALF, HALF - 1);
            sumXL += w * value * levels[i];
            sumLL += w * levels[i] * levels[i];
        }
        for (int pass = 0; pass < PASSES; pass++) {
            boolean changed = false;
            for (int i = 0; i < SUB; i++) {
                float value = x[from + i];
                float w = value * value;
                float xl = sumXL - w * value * levels[i];
                if (xl > 0) {
                    float ll = sumLL - w * levels[i] * levels[i];
                    int level = Rounding.nearest(value * ll / xl, -HALF, HALF - 1);
                    if (level != levels[i]) {
                        xl += w * value * level;
                        ll += w * level * level;
                        if (ll > 0 && xl * xl * sumLL > sumXL * sumXL * ll) {
                            levels[i] = level;
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
        for (int i = 0; i < SUB; i++) {
            codes[codesFrom + i] = levels[i] + HALF;
        }
        return sumLL > 0 ? sumXL / sumLL : 0;
    }
}
