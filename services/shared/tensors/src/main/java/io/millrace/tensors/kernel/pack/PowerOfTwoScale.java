package io.millrace.tensors.kernel.pack;

/**
 * Scales of MX formats: a byte e stands for 2^(e - 127). The exponent of a group is that of its largest magnitude, one
 * higher from 1.75 * 2^k on, less the 2 that E2M1 itself reaches: the largest code is 4 or 6.
 */
public final class PowerOfTwoScale {
    private static final int BIAS = 127;

    /** Carries into the exponent from a mantissa of 1.75 on. */
    private static final int QUARTER = 1 << 21;

    private static final int EXPONENT_OF_LARGEST_CODE = 2;

    private PowerOfTwoScale() {}

    static byte of(float largestMagnitude) {
        int exponent = (Float.floatToRawIntBits(largestMagnitude) + QUARTER) >>> 23;
        return (byte) Math.max(0, exponent - EXPONENT_OF_LARGEST_CODE);
    }

    /** Exact, the subnormal 2^-127 of byte 0 included. */
    public static float value(byte stored) {
        return Math.scalb(1f, Byte.toUnsignedInt(stored) - BIAS);
    }
}
