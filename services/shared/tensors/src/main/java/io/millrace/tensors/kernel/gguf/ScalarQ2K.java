package io.millrace.tensors.kernel.gguf;

/**
 * Specification of Q2_K: super-blocks of 256 in 16 sub-blocks of 16, whose scales and minima are 4-bit codes.
 *
 * <pre>
 * Q2_K 84 bytes  u8 scales[16] (scale, min &lt;&lt; 4); u8 q[64]; f16 d; f16 dmin     value d · scale · q − dmin · min
 * </pre>
 *
 * Without importances each element weighs its magnitude.
 */
final class ScalarQ2K {
    static final int ELEMENTS = 256;
    static final int SUB_BLOCKS = 16;
    static final int SUB = 16;
    static final int TOP = 3;
    private static final int LARGEST_LEVEL = 15;

    private ScalarQ2K() {}

    /** The head of a super-block: the halves as bits, and the codes of scales and minima. */
    static final class Head {
        private final short d;
        private final short dMin;
        private final int[] scaleCodes;
        private final int[] minCodes;

        private Head(short d, short dMin, int[] scaleCodes, int[] minCodes) {
            this.d = d;
            this.dMin = dMin;
            this.scaleCodes = scaleCodes;
            this.minCodes = minCodes;
        }

        static Head of(float[] scales, float[] mins) {
            float maxScale = largest(scales);
            float maxMin = largest(mins);
            return new Head(
                    Float.floatToFloat16(maxScale > 0 ? maxScale / LARGEST_LEVEL : 0),
                    Float.floatToFloat16(maxMin > 0 ? maxMin / LARGEST_LEVEL : 0),
                    codes(scales, maxScale),
                    codes(mins, maxMin));
        }

        /** The same by the error weighted with the sums of weights of the sub-blocks. */
        static Head weighted(float[] scales, float[] mins, float[] sums) {
            PositiveLevels scale = PositiveLevels.of(scales, sums, 0, SUB_BLOCKS, LARGEST_LEVEL);
            PositiveLevels min = PositiveLevels.of(mins, sums, 0, SUB_BLOCKS, LARGEST_LEVEL);
            return new Head(
                    Float.floatToFloat16(scale.step()), Float.floatToFloat16(min.step()), scale.levels(), min.levels());
        }

        private static float largest(float[] values) {
            float largest = 0;
            for (float value : values) {
                largest = value > largest ? value : largest;
            }
            return largest;
        }

        private static int[] codes(float[] values, float largest) {
            int[] codes = new int[SUB_BLOCKS];
            if (largest > 0) {
                float inverse = LARGEST_LEVEL / largest;
                for (int j = 0; j < SUB_BLOCKS; j++) {
                    codes[j] = Rounding.nearest(inverse * values[j]);
                }
            }
            return codes;
        }

        /** The scale of a sub-block as a reader will compute it. */
        float scale(int j) {
            return Float.float16ToFloat(d) * (packed(j) & 15);
        }

        /** The minimum of a sub-block, negated, as a reader will compute it. */
        float min(int j) {
            return Float.float16ToFloat(dMin) * ((packed(j) >> 4) & 15);
        }

        private int packed(int j) {
            return scaleCodes[j] | (minCodes[j] << 4);
        }

        void write(byte[] out, int at) {
            for (int j = 0; j < SUB_BLOCKS; j++) {
                out[at + j] = (byte) packed(j);
            }
            out[at + 80] = (byte) d;
            out[at + 81] = (byte) (d >> 8);
            out[at + 82] = (byte) dMin;
            out[at + 83] = (byte) (dMin >> 8);
        }
    }

    static void quantize(float[] x, int from, byte[] out, int at) {
        float[] scales = new float[SUB_BLOCKS];
        float[] mins = new float[SUB_BLOCKS];
        int[] codes = new int[ELEMENTS];
        float[] w = new float[SUB];
        for (int j = 0; j < SUB_BLOCKS; j++) {
            for (int i = 0; i < SUB; i++) {
                w[i] = Math.abs(x[from + SUB * j + i]);
            }
            ScalarAffineSearch.Fit fit = ScalarAffineSearch.Q2_K.fit(x, from + SUB * j, w, codes, SUB * j);
            scales[j] = fit.scale();
            mins[j] = fit.negatedMin();
        }
        finish(Head.of(scales, mins), x, from, codes, out, at);
    }

    /** The same with an importance for each element. */
    static void quantize(float[] x, int from, float[] importance, int importanceFrom, byte[] out, int at) {
        ScalarAffineSearch search = ScalarAffineSearch.weighted(SUB, TOP);
        float[] scales = new float[SUB_BLOCKS];
        float[] mins = new float[SUB_BLOCKS];
        float[] sums = new float[SUB_BLOCKS];
        int[] codes = new int[ELEMENTS];
        float[] w = new float[SUB];
        float variance = ScalarWeights.squares(x, from, ELEMENTS) / ELEMENTS;
        for (int j = 0; j < SUB_BLOCKS; j++) {
            int start = from + SUB * j;
            sums[j] = ScalarWeights.weigh(x, start, SUB, variance, importance, importanceFrom + SUB * j, w);
            ScalarAffineSearch.Fit fit = search.fit(x, start, w, codes, SUB * j);
            scales[j] = fit.scale();
            mins[j] = fit.negatedMin();
        }
        finish(Head.weighted(scales, mins, sums), x, from, codes, out, at);
    }

    private static void finish(Head head, float[] x, int from, int[] codes, byte[] out, int at) {
        for (int j = 0; j < SUB_BLOCKS; j++) {
            float d = head.scale(j);
            if (d != 0) {
                float min = head.min(j);
                for (int i = 0; i < SUB; i++) {
                    int k = SUB * j + i;
                    codes[k] = Rounding.nearest((x[from + k] + min) / d, 0, TOP);
                }
            }
        }
        head.write(out, at);
        packPairs(codes, 0, out, at + 16);
    }

    /** 2-bit codes: the four quarters of each half share bytes, the first in the lowest bits. */
    static void packPairs(int[] codes, int from, byte[] out, int at) {
        for (int half = 0; half < 2; half++) {
            int first = from + 128 * half;
            for (int i = 0; i < 32; i++) {
                out[at + 32 * half + i] = (byte) ((codes[first + i] & 3)
                        | ((codes[first + i + 32] & 3) << 2)
                        | ((codes[first + i + 64] & 3) << 4)
                        | ((codes[first + i + 96] & 3) << 6));
            }
        }
    }
}
