package io.millrace.tensors.kernel.gguf;

/**
 * Specification of Q6_K: super-blocks of 256 in 16 sub-blocks of 16 with signed 8-bit scales.
 *
 * <pre>
 * Q6_K 210 bytes  u8 low[128]; u8 high[64]; i8 scales[16]; f16 d     value d · scale · (q − 32)
 * </pre>
 *
 * Without importances each element weighs its square.
 */
final class ScalarQ6K {
    static final int ELEMENTS = 256;
    static final int SUB_BLOCKS = 16;
    static final int SUB = 16;
    static final int HALF = 32;

    private ScalarQ6K() {}

    static void quantize(float[] x, int from, byte[] out, int at) {
        float[] squares = new float[ELEMENTS];
        for (int i = 0; i < ELEMENTS; i++) {
            squares[i] = x[from + i] * x[from + i];
        }
        quantize(x, from, squares, 0, out, at);
    }

    /** The same with the weight of each element given: its importance. */
    static void quantize(float[] x, int from, float[] w, int wFrom, byte[] out, int at) {
        int[] codes = new int[ELEMENTS];
        float[] scales = new float[SUB_BLOCKS];
        for (int j = 0; j < SUB_BLOCKS; j++) {
            int k = SUB * j;
            scales[j] = ScalarSymmetricSearch.Q6_K.fit(x, from + k, SUB, w, wFrom + k, codes, k);
        }
        float largest = ScalarBlocks32.signedLargest(scales, 0, SUB_BLOCKS);
        if (Math.abs(largest) < ScalarSymmetricSearch.TINY) {
            java.util.Arrays.fill(out, at, at + 210, (byte) 0);
            return;
        }
        float inverse = -128f / largest;
        short d = Float.floatToFloat16(1 / inverse);
        for (int j = 0; j < SUB_BLOCKS; j++) {
            byte scale = (byte) Math.min(127, Rounding.nearest(inverse * scales[j]));
            out[at + 192 + j] = scale;
            float step = Float.float16ToFloat(d) * scale;
            if (step != 0) {
                for (int i = 0; i < SUB; i++) {
                    int k = SUB * j + i;
                    codes[k] = Rounding.nearest(x[from + k] / step, -HALF, HALF - 1) + HALF;
                }
            }
        }
        out[at + 208] = (byte) d;
        out[at + 209] = (byte) (d >> 8);
        pack(codes, 0, out, at);
    }

    /** Low nibbles of quarters 0 and 2, 1 and 3 of each half share a byte; the four high pairs share one. */
    static void pack(int[] codes, int from, byte[] out, int at) {
        for (int half = 0; half < 2; half++) {
            int first = from + 128 * half;
            for (int i = 0; i < 32; i++) {
                int a = codes[first + i];
                int b = codes[first + i + 32];
                int c = codes[first + i + 64];
                int d = codes[first + i + 96];
                out[at + 64 * half + i] = (byte) ((a & 15) | ((c & 15) << 4));
                out[at + 64 * half + i + 32] = (byte) ((b & 15) | ((d & 15) << 4));
                out[at + 128 + 32 * half + i] = (byte) ((a >> 4) | ((b >> 4) << 2) | ((c >> 4) << 4) | ((d >> 4) << 6));
            }
        }
    }
}
