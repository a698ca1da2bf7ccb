package io.millrace.tensors.kernel.gguf;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** {@link Rounding} for a vector of numbers. */
final class LaneRounding {
    private static final int MAGIC_EXPONENT = 0x4b00_0000;

    private LaneRounding() {}

    static IntVector nearest(FloatVector value, int low, int high) {
        return value.add(Rounding.MAGIC)
                .reinterpretAsInts()
                .and(Rounding.MANTISSA)
                .sub(Rounding.MAGIC_MANTISSA)
                .max(low)
                .min(high);
    }

    /**
     * The same integers as floats: the clamped mantissa gets the exponent of {@link Rounding#MAGIC} back, which is then
     * subtracted. A conversion would take the compiler more nodes than it grants a method.
     */
    static FloatVector nearestAsFloat(FloatVector value, int low, int high) {
        return value.add(Rounding.MAGIC)
                .reinterpretAsInts()
                .and(Rounding.MANTISSA)
                .max(Rounding.MAGIC_MANTISSA + low)
                .min(Rounding.MAGIC_MANTISSA + high)
                .or(MAGIC_EXPONENT)
                .reinterpretAsFloats()
                .sub(Rounding.MAGIC);
    }
}
