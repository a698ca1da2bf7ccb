package io.millrace.tensors.kernel.gguf;

import org.jspecify.annotations.Nullable;

/**
 * Specification of the types whose 4-bit codes are places in a codebook of 16 values, dense around zero.
 *
 * <pre>
 * IQ4_NL  32 elements, 18 bytes   f16 d; u8 codes[16]                                     value d · book[code]
 * IQ4_XS 256 elements, 136 bytes  f16 d; u16 scalesHigh; u8 scalesLow[4]; u8 codes[128]   value d · (scale − 32) · book[code]
 * </pre>
 *
 * 32 elements share 16 bytes: byte i holds code i in its low nibble, code i + 16 in its high one. IQ4_XS has 6-bit
 * scales, one per 32 elements: 4 bits in the nibbles of scalesLow, 2 in scalesHigh.
 */
final class ScalarCodebook {
    static final int SUB = 32;
    static final int SUPER = 256;
    static final int SUB_BLOCKS = SUPER / SUB;
    static final int NL_BYTES = 18;
    static final int XS_BYTES = 136;
    /** Trials beside the first go from −TRIALS to TRIALS, each shifting the code of the largest number. */
    static final int TRIALS = 7;
    /** The magnitude of the book's first value, which the first trial gives to the largest number. */
    static final float REACH = 127f;
    /** A sub-block whose largest magnitude is below this is all zero to the reference. */
    static final float TINY = 1e-15f;

    private static final float[] BOOK = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

    private ScalarCodebook() {}

    static void nl(float[] x, int from, byte[] out, int at) {
        nl(x, from, null, 0, out, at);
    }

    static void xs(float[] x, int from, byte[] out, int at) {
        xs(x, from, null, 0, out, at);
    }

    /** Quantizes x[from, from + 32) to out[at, at + 18). */
    static void nl(float[] x, int from, float @Nullable [] importance, int importanceFrom, byte[] out, int at) {
        float[] weights = weights(x, from, SUB, importance, importanceFrom);
        float d = search(x, from, weights, 0);
        ScalarBlocks32.half(d, out, at);
        pack(x, from, d == 0 ? 0 : 1 / d, out, at + 2);
    }

    /** Quantizes x[from, from + 256) to out[at, at + 136). */
    static void xs(float[] x, int from, float @Nullable [] importance, int importanceFrom, byte[] out, int at) {
        float[] weights = weights(x, from, SUPER, importance, importanceFrom);
        float[] scales = new float[SUB_BLOCKS];
        for (int j = 0; j < SUB_BLOCKS; j++) {
            scales[j] = search(x, from + SUB * j, weights, SUB * j);
        }
        float[] steps = new float[SUB_BLOCKS];
        writeScales(scales, 0, steps, out, at);
        for (int j = 0; j < SUB_BLOCKS; j++) {
            pack(x, from + SUB * j, steps[j] == 0 ? 0 : 1 / steps[j], out, at + 8 + 16 * j);
        }
    }

    /**
     * Quantizes the scales of a super-block to 6 bits and writes all of it but its codes. The steps, by which the codes
     * are found, come from the scale before it is rounded to half precision.
     */
    static void writeScales(float[] scales, int from, float[] steps, byte[] out, int at) {
        float d = -ScalarBlocks32.signedLargest(scales, from, SUB_BLOCKS) / 32;
        float inverse = d == 0 ? 0 : 1 / d;
        ScalarBlocks32.half(d, out, at);
        int high = 0;
        for (int j = 0; j < SUB_BLOCKS; j++) {
            int level = Rounding.nearest(inverse * scales[from + j], -32, 31);
            steps[from + j] = d * level;
            int stored = level + 32;
            high |= (stored >> 4) << (2 * j);
            int low = at + 4 + j / 2;
            out[low] = (byte) (j % 2 == 0 ? stored & 15 : out[low] | (stored & 15) << 4);
        }
        out[at + 2] = (byte) high;
        out[at + 3] = (byte) (high >> 8);
    }

    /** x², or importance · √(2 · mean of x² + x²) with the mean over all {@code count} elements. */
    private static float[] weights(float[] x, int from, int count, float @Nullable [] importance, int importanceFrom) {
        float[] weights = new float[count];
        float squares = 0;
        for (int i = 0; i < count; i++) {
            weights[i] = x[from + i] * x[from + i];
            squares += weights[i];
        }
        if (importance != null) {
            float variance = squares * (2f / count);
            for (int i = 0; i < count; i++) {
                weights[i] = importance[importanceFrom + i] * (float) Math.sqrt(variance + weights[i]);
            }
        }
        return weights;
    }

    /** The scale of 32 elements; 0 if they are all tiny. */
    private static float search(float[] x, int from, float[] weights, int weightsFrom) {
        float largest = ScalarBlocks32.signedLargest(x, from, SUB);
        if (Math.abs(largest) < TINY) {
            return 0;
        }
        float scale = 0;
        float best = 0;
        for (int trial = -TRIALS - 1; trial <= TRIALS; trial++) {
            boolean first = trial < -TRIALS;
            float inverse = first ? 1 / (largest / REACH) : (trial - REACH) / largest;
            float sumQX = 0;
            float sumQQ = 0;
            for (int i = 0; i < SUB; i++) {
                float value = x[from + i];
                float q = BOOK[nearest(inverse * value)];
                float weighted = weights[weightsFrom + i] * q;
                sumQX += weighted * value;
                sumQQ += weighted * q;
            }
            if (first) {
                scale = sumQQ > 0 ? sumQX / sumQQ : 0;
                best = scale * sumQX;
            } else if (sumQQ > 0 && sumQX * sumQX > best * sumQQ) {
                scale = sumQX / sumQQ;
                best = scale * sumQX;
            }
        }
        return scale;
    }

    private static void pack(float[] x, int from, float inverse, byte[] out, int at) {
        for (int i = 0; i < 16; i++) {
            int first = nearest(inverse * x[from + i]);
            int second = nearest(inverse * x[from + i + 16]);
            out[at + i] = (byte) (first | second << 4);
        }
    }

    /** The place of the nearest value in the book, the upper one of two equally near; the last for NaN. */
    private static int nearest(float value) {
        int place = 0;
        while (place < 15 && !(value + value < BOOK[place] + BOOK[place + 1])) {
            place++;
        }
        return place;
    }
}
