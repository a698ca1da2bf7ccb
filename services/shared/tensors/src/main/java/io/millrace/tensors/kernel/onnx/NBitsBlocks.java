package io.millrace.tensors.kernel.onnx;

/**
 * 32 weights of a row with one F32 scale, as {@link NBits} reads them: weight = (code − 2^(bits − 1)) · scale.
 *
 * <p>Rounding is that of ONNX Runtime's own quantizer in its symmetric form ({@code MlasQuantizeBlockwise}, which its
 * default weight-only configuration calls): the weight of largest magnitude, with its sign, divided by −2^(bits − 1) is
 * the scale, so that this weight gets the lowest code and is kept exactly; a code is the sum of the weight times the
 * scale's reciprocal and the middle, rounded half up.
 */
public final class NBitsBlocks {
    /** Weights of a block. */
    public static final int ELEMENTS = 32;

    private NBitsBlocks() {}

    /** Bytes of a block's codes. */
    public static int codeBytes(int bits) {
        return ELEMENTS * bits / Byte.SIZE;
    }

    /**
     * Quantizes whole blocks.
     *
     * @param bits 4 or 8
     * @param weights finite; {@code count} of them from the first on, a multiple of {@link #ELEMENTS}
     * @param codes gets the codes from the first byte on
     * @param scales gets one scale per block from the first on
     */
    public static void quantize(int bits, float[] weights, int count, byte[] codes, float[] scales) {
        int bytes = codeBytes(bits);
        for (int block = 0; block < count / ELEMENTS; block++) {
            int from = block * ELEMENTS;
            float scale = scale(bits, weights, from);
            float inverse = 1 / scale;
            if (Float.isInfinite(inverse)) {
                // Zeros, and numbers below 2^-125 whose scale has no reciprocal: the middle, so that all are 0.
                scale = -0f;
                inverse = 0;
            }
            scales[block] = scale;
            if (bits == 4) {
                pack4(weights, from, inverse, codes, block * bytes);
            } else {
                pack8(weights, from, inverse, codes, block * bytes);
            }
        }
    }

    private static float scale(int bits, float[] weights, int from) {
        float least = weights[from];
        float most = weights[from];
        for (int i = 1; i < ELEMENTS; i++) {
            least = Math.min(least, weights[from + i]);
            most = Math.max(most, weights[from + i]);
        }
        float extreme = Math.abs(most) > Math.abs(least) ? most : least;
        return extreme / -(1 << (bits - 1));
    }

    private static void pack4(float[] weights, int from, float inverse, byte[] codes, int at) {
        for (int i = 0; i < ELEMENTS / 2; i++) {
            int low = code(weights[from + 2 * i] * inverse + 8, 15);
            int high = code(weights[from + 2 * i + 1] * inverse + 8, 15);
            codes[at + i] = (byte) (low | high << 4);
        }
    }

    private static void pack8(float[] weights, int from, float inverse, byte[] codes, int at) {
        for (int i = 0; i < ELEMENTS; i++) {
            codes[at + i] = (byte) code(weights[from + i] * inverse + 128, 255);
        }
    }

    /** To the nearest, half up; adding a half first would round the sum itself. */
    private static int code(float value, int top) {
        int whole = (int) value;
        return Math.min(top, value - whole >= 0.5f ? whole + 1 : whole);
    }
}
