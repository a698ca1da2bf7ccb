package io.millrace.tensors.kernel.convert;

/**
 * The 4-bit float {@code float4_e2m1}, one number at a time: sign, 2 bits of exponent with bias 1, one of mantissa: 0,
 * 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives; neither infinity nor NaN. Narrowing rounds to the nearest, half to even,
 * and what lies beyond {@link #LARGEST} becomes that (OCP Microscaling Formats 1.0, section 5.3.3).
 */
public final class Float4 {
    public static final float LARGEST = 6;

    private static final float[] VALUES = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};

    private Float4() {}

    /** In the low four bits; 0 for NaN. */
    public static byte toE2m1(float value) {
        int sign = (Float.floatToRawIntBits(value) >>> 28) & 8;
        float magnitude = Math.min(Math.abs(value), LARGEST);
        if (magnitude < 1) {
            // Adding 2^22 leaves units of 0.5, the subnormal step, in the last place: the addition rounds.
            return (byte) (sign | (Float.floatToRawIntBits(magnitude + 0x1p22f) - 0x4a800000));
        }
        int bits = Float.floatToRawIntBits(magnitude);
        int rounded = bits + 0x1fffff + ((bits >>> 22) & 1);
        return Float.isNaN(value) ? 0 : (byte) (sign | ((rounded - 0x3f000000) >>> 22));
    }

    /** Of the low four bits. */
    public static float fromE2m1(byte code) {
        float magnitude = VALUES[code & 7];
        return (code & 8) == 0 ? magnitude : -magnitude;
    }
}
