package io.millrace.tensors.kernel.convert;

/**
 * The 8-bit float {@code float8_e4m3fn}, one number at a time: sign, 4 bits of exponent with bias 7, 3 of mantissa; no
 * infinity, and NaN only where all bits but the sign are set. Narrowing rounds to the nearest, half to even, and what
 * lies beyond {@link #LARGEST} becomes that (FP8 for deep learning, arXiv 2209.05433, table 1).
 */
public final class Float8 {
    public static final float LARGEST = 448;

    private static final byte NAN = 0x7f;
    private static final int SMALLEST_NORMAL = Float.floatToRawIntBits(0x1p-6f);

    private Float8() {}

    public static byte toE4m3(float value) {
        int bits = Float.floatToRawIntBits(value);
        int sign = (bits >>> 24) & 0x80;
        if (Float.isNaN(value)) {
            return (byte) (sign | NAN);
        }
        int magnitude = Float.floatToRawIntBits(Math.min(Math.abs(value), LARGEST));
        if (magnitude < SMALLEST_NORMAL) {
            // Adding 2^14 leaves units of 2^-9, the subnormal step, in the last place: the addition rounds.
            return (byte) (sign | (Float.floatToRawIntBits(Math.abs(value) + 0x1p14f) - 0x46800000));
        }
        int rounded = magnitude + 0x7ffff + ((magnitude >>> 20) & 1);
        return (byte) (sign | ((rounded - 0x3c000000) >>> 20));
    }

    public static float fromE4m3(byte bits) {
        int sign = (bits & 0x80) << 24;
        int magnitude = bits & 0x7f;
        if (magnitude == NAN) {
            return Float.NaN;
        }
        // The fields in F32's places make a number 2^120 too small; the product is exact, subnormals included.
        return Float.intBitsToFloat(sign | Float.floatToRawIntBits(Float.intBitsToFloat(magnitude << 20) * 0x1p120f));
    }
}
