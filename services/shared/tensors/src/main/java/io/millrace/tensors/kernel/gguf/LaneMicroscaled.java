package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.kernel.LaneBytes;
import io.millrace.tensors.kernel.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * {@link ScalarMicroscaled} with the elements of a block in lanes. From twice the unit on, a code is the exponent and the
 * upper bit of the mantissa, rounded half down; below there are only 0, 1 and 2. The unit is a power of two, so that all
 * of this is exact. Blocks of numbers near the ends of the floats are left to the specification.
 */
final class LaneMicroscaled {
    private static final int PAIRS = ScalarMicroscaled.ELEMENTS / 2;
    private static final int MANTISSA = 0x007f_ffff;
    private static final int JUST_BELOW = 0x007f_ff00;
    private static final int EXPONENT_SHIFT = 23;
    private static final int CODE_SHIFT = 22;
    private static final int BELOW_HALF = (1 << (CODE_SHIFT - 1)) - 1;

    private LaneMicroscaled() {}

    /** Quantizes x[from, from + 32) to out[at, at + 17). */
    static void quantize(float[] x, int from, byte[] out, int at) {
        int largest = Float.floatToRawIntBits(LaneQ8.largest(x, from));
        int exponent = (largest >> EXPONENT_SHIFT) - 2;
        // Just below a power of two the logarithm, whose magnitude is below 128, is rounded to that one's.
        if (exponent < 4 || (largest & MANTISSA) >= JUST_BELOW) {
            ScalarMicroscaled.quantize(x, from, out, at);
            return;
        }
        out[at] = (byte) exponent;
        pairs(x, from, exponent - 1, out, at + 1);
    }

    private static void pairs(float[] x, int from, int unitExponent, byte[] out, int at) {
        for (int i = 0; i < PAIRS; i += Lanes.FLOATS.length()) {
            IntVector first = codes(x, from + i, unitExponent);
            IntVector second = codes(x, from + i + PAIRS, unitExponent);
            LaneBytes.store(first.or(second.lanewise(VectorOperators.LSHL, 4)), out, at + i);
        }
    }

    /** @param unitExponent of the unit, as a float has it in its bits: the unit is 2^(unitExponent − 127) */
    private static IntVector codes(float[] x, int from, int unitExponent) {
        IntVector bits = FloatVector.fromArray(Lanes.FLOATS, x, from).reinterpretAsInts();
        // Magnitudes have the order of their bits.
        IntVector magnitude = bits.and(Integer.MAX_VALUE);
        int unit = unitExponent << EXPONENT_SHIFT;
        IntVector code = magnitude
                .add(BELOW_HALF)
                .lanewise(VectorOperators.LSHR, CODE_SHIFT)
                .sub(unit >> CODE_SHIFT)
                .min(7)
                .blend(2, magnitude.compare(VectorOperators.LT, unit + (1 << EXPONENT_SHIFT)))
                .blend(1, magnitude.compare(VectorOperators.LE, unit + (1 << CODE_SHIFT)))
                .blend(0, magnitude.compare(VectorOperators.LE, unit - (1 << EXPONENT_SHIFT)));
        // The sign is worth 8; what is nearest to zero has none.
        IntVector sign = bits.lanewise(VectorOperators.LSHR, 28).and(8);
        return code.or(sign.blend(0, code.compare(VectorOperators.EQ, 0)));
    }
}
