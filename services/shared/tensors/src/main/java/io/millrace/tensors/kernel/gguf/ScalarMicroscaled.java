package io.millrace.tensors.kernel.gguf;

/**
 * Specification of MXFP4: 4-bit floats (E2M1) that share a power of two.
 *
 * <pre>
 * MXFP4 32 elements, 17 bytes   u8 e; u8 codes[16]     value 2^(e − 128) · book[code], the book of doubled E2M1 values
 * </pre>
 *
 * Byte i holds code i in its low nibble, code i + 16 in its high one.
 */
final class ScalarMicroscaled {
    static final int ELEMENTS = 32;

    private static final float[] BOOK = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
    private static final double LOG_2 = StrictMath.log(2);

    private ScalarMicroscaled() {}

    static void quantize(float[] x, int from, byte[] out, int at) {
        byte exponent = exponent(Math.abs(ScalarBlocks32.signedLargest(x, from, ELEMENTS)));
        float unit = unit(exponent);
        out[at] = exponent;
        for (int i = 0; i < 16; i++) {
            int first = code(x[from + i], unit);
            int second = code(x[from + i + 16], unit);
            out[at + 1 + i] = (byte) (first | second << 4);
        }
    }

    /**
     * Two below the largest number's exponent, so that it lands between 4 and 8. The reference takes the exponent from a
     * logarithm in single precision, which rounds up just below a power of two; and it lets the byte overflow below
     * 2^−125, which gives a block of zeros.
     */
    private static byte exponent(float largest) {
        if (largest == 0) {
            return 0;
        }
        float logarithm = (float) (StrictMath.log(largest) / LOG_2);
        return (byte) ((int) Math.floor(logarithm) - 2 + 127);
    }

    /** 2^(e − 128), subnormal for e = 0 and 1. */
    private static float unit(byte exponent) {
        int e = exponent & 0xff;
        return Float.intBitsToFloat(e < 2 ? 0x0020_0000 << e : (e - 1) << 23);
    }

    /** The first of the nearest values, so ties go to the smaller magnitude and negative zero is zero. */
    private static int code(float value, float unit) {
        int best = 0;
        float least = Math.abs(BOOK[0] * unit - value);
        for (int code = 1; code < BOOK.length; code++) {
            float distance = Math.abs(BOOK[code] * unit - value);
            if (distance < least) {
                least = distance;
                best = code;
            }
        }
        return best;
    }
}
