package io.millrace.tensors.kernel.gguf;

/**
 * Specification of the types with blocks of 32 elements. All fields little-endian; code j of the first half shares a
 * byte with code j + 16.
 *
 * <pre>
 * Q8_0  34 bytes  f16 d; i8 q[32]                    value d · q
 * Q4_0  18        f16 d; u8 low[16]                  value d · (q − 8)
 * Q4_1  20        f16 d; f16 m; u8 low[16]           value d · q + m
 * Q5_0  22        f16 d; u32 high; u8 low[16]        value d · (q − 16), bit j of high = bit 4 of q[j]
 * Q5_1  24        f16 d; f16 m; u32 high; u8 low[16] value d · q + m
 * </pre>
 */
final class ScalarBlocks32 {
    static final int ELEMENTS = 32;

    private ScalarBlocks32() {}

    static void q8(float[] x, int from, byte[] out, int at) {
        float largest = 0;
        for (int i = 0; i < ELEMENTS; i++) {
            largest = Math.max(largest, Math.abs(x[from + i]));
        }
        float d = largest / 127f;
        float inverse = d == 0 ? 0 : 1f / d;
        half(d, out, at);
        for (int i = 0; i < ELEMENTS; i++) {
            out[at + 2 + i] = Rounding.awayFromZero(x[from + i] * inverse);
        }
    }

    /** Q4_0 for bits = 4, Q5_0 for bits = 5. */
    static void symmetric(int bits, float[] x, int from, byte[] out, int at) {
        float signedLargest = signedLargest(x, from, ELEMENTS);
        int half = 1 << (bits - 1);
        float d = signedLargest / -half;
        float inverse = d == 0 ? 0 : 1f / d;
        half(d, out, at);
        pack(bits, x, from, 0f, inverse, half + 0.5f, out, at + 2);
    }

    /** Q4_1 for bits = 4, Q5_1 for bits = 5. */
    static void affine(int bits, float[] x, int from, byte[] out, int at) {
        float min = Float.MAX_VALUE;
        float max = -Float.MAX_VALUE;
        for (int i = 0; i < ELEMENTS; i++) {
            float value = x[from + i];
            min = value < min ? value : min;
            max = value > max ? value : max;
        }
        float d = (max - min) / ((1 << bits) - 1);
        float inverse = d == 0 ? 0 : 1f / d;
        half(d, out, at);
        half(min, out, at + 2);
        pack(bits, x, from, min, inverse, 0.5f, out, at + 4);
    }

    /** Q4_0 or Q5_0 with the importance of each element and the variance of its row. */
    static void symmetric(
            int bits, float variance, float[] x, int from, float[] importance, int importanceFrom, byte[] out, int at) {
        float[] w = new float[ELEMENTS];
        int[] codes = new int[ELEMENTS];
        ScalarWeights.weigh(x, from, ELEMENTS, variance, importance, importanceFrom, w);
        half(weighted(bits).fit(x, from, ELEMENTS, w, 0, codes, 0), out, at);
        pack(bits, codes, 0, out, at + 2);
    }

    /** The search of Q4_0 or Q5_0. */
    static ScalarSymmetricSearch weighted(int bits) {
        return bits == 4 ? ScalarSymmetricSearch.Q4_0 : ScalarSymmetricSearch.Q5_0;
    }

    /** Q4_1 or Q5_1 with the importance of each element and the variance of its row. */
    static void affine(
            int bits, float variance, float[] x, int from, float[] importance, int importanceFrom, byte[] out, int at) {
        float[] w = new float[ELEMENTS];
        int[] codes = new int[ELEMENTS];
        ScalarWeights.weigh(x, from, ELEMENTS, variance, importance, importanceFrom, w);
        ScalarAffineSearch.Fit fit =
                ScalarAffineSearch.weighted(ELEMENTS, (1 << bits) - 1).fit(x, from, w, codes, 0);
        half(fit.scale(), out, at);
        half(-fit.negatedMin(), out, at + 2);
        pack(bits, codes, 0, out, at + 4);
    }

    private static void pack(
            int bits, float[] x, int from, float base, float inverse, float round, byte[] out, int at) {
        int top = (1 << bits) - 1;
        int[] codes = new int[ELEMENTS];
        for (int i = 0; i < ELEMENTS; i++) {
            codes[i] = code((x[from + i] - base) * inverse + round, top, bits);
        }
        pack(bits, codes, 0, out, at);
    }

    static void pack(int bits, int[] codes, int codesFrom, byte[] out, int at) {
        int low = bits == 4 ? at : at + 4;
        int high = 0;
        for (int j = 0; j < 16; j++) {
            int first = codes[codesFrom + j];
            int second = codes[codesFrom + j + 16];
            out[low + j] = (byte) ((first & 15) | ((second & 15) << 4));
            high |= (((first >> 4) & 1) << j) | (((second >> 4) & 1) << (j + 16));
        }
        if (bits == 5) {
            for (int i = 0; i < 4; i++) {
                out[at + i] = (byte) (high >> (8 * i));
            }
        }
    }

    /** The reference converts to a signed byte, then takes the smaller of that and the largest code. */
    private static int code(float value, int top, int bits) {
        int code = (byte) Rounding.truncate(value);
        return Math.min(top, code) & (bits == 4 ? 0xff : 0x1f);
    }

    /** The first element of largest magnitude, with its sign. */
    static float signedLargest(float[] x, int from, int count) {
        float magnitude = 0;
        float signed = 0;
        for (int i = 0; i < count; i++) {
            float value = x[from + i];
            if (Math.abs(value) > magnitude) {
                magnitude = Math.abs(value);
                signed = value;
            }
        }
        return signed;
    }

    static void half(float value, byte[] out, int at) {
        short bits = Float.floatToFloat16(value);
        out[at] = (byte) bits;
        out[at + 1] = (byte) (bits >> 8);
    }
}
