package io.millrace.tensors.kernel.pack;

import io.millrace.tensors.kernel.convert.Float4;
import io.millrace.tensors.kernel.convert.Float8;

/** What a number becomes when it is rounded in units of a scale: one byte, of which 4-bit codes use the low half. */
public enum Code {
    INT4(4, false, 7.5f),
    INT8(8, false, 127.5f),
    /** {@link Float4}. */
    E2M1(4, true, Float4.LARGEST),
    /** {@link Float8}. */
    E4M3(8, true, Float8.LARGEST);

    private final int bits;
    private final boolean floating;
    private final float reach;

    Code(int bits, boolean floating, float reach) {
        this.bits = bits;
        this.floating = floating;
        this.reach = reach;
    }

    public int bits() {
        return bits;
    }

    /** Whether codes are floats; else they are integers in two's complement. */
    public boolean floating() {
        return floating;
    }

    /** The magnitude that symmetric scales map to the largest weight; half the codes' range for integers. */
    public float reach() {
        return reach;
    }

    int lowest() {
        return -(1 << (bits - 1));
    }

    int highest() {
        return (1 << (bits - 1)) - 1;
    }

    /** The code nearest to a number, half to even. */
    byte of(float units) {
        return switch (this) {
            case INT4, INT8 -> (byte) Math.clamp((int) Math.rint(units), lowest(), highest());
            case E2M1 -> Float4.toE2m1(units);
            case E4M3 -> Float8.toE4m3(units);
        };
    }

    /** The number that a code stands for. */
    public float value(byte code) {
        return switch (this) {
            case INT4, INT8 -> code;
            case E2M1 -> Float4.fromE2m1(code);
            case E4M3 -> Float8.fromE4m3(code);
        };
    }
}
