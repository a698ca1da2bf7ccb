package io.millrace.tensors.kernel.gguf;

/** The rounding functions of ggml's reference code, bit for bit. */
final class Rounding {
    /** 1.5 · 2^23: adding it leaves the nearest integer, half to even, in the low mantissa bits. */
    static final float MAGIC = 12582912f;

    static final int MANTISSA = 0x007f_ffff;
    static final int MAGIC_MANTISSA = 0x0040_0000;

    private Rounding() {}

    /**
     * The nearest integer, half to even. Exact for |value| up to 2^22; beyond it the result is another integer, which
     * the reference then clamps, so {@code Math.rint} would not give its bytes.
     */
    static int nearest(float value) {
        return (Float.floatToRawIntBits(value + MAGIC) & MANTISSA) - MAGIC_MANTISSA;
    }

    static int nearest(float value, int low, int high) {
        return Math.max(low, Math.min(high, nearest(value)));
    }

    /** C's {@code roundf}, half away from zero, as a signed byte; 0 where the conversion to int has no value. */
    static byte awayFromZero(float value) {
        float whole = truncate(value);
        if (Math.abs(value - whole) >= 0.5f) {
            whole += Math.signum(value);
        }
        return (byte) truncate(whole);
    }

    /** C's conversion to int as x86 does it: a value outside int, or NaN, gives the smallest int, whose low byte is 0. */
    static int truncate(float value) {
        return Math.abs(value) < 0x1p31f ? (int) value : Integer.MIN_VALUE;
    }
}
