package io.millrace.tensors.kernel.pack;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** Between small floats and whole numbers, without the checks that conversions of Java make for others. */
final class LaneIntegers {
    /** Adding it rounds half to even while the magnitude is below 2^22, and leaves the whole number in the low bits. */
    private static final float ROUNDER = 12582912f;

    private static final int ROUNDER_BITS = Float.floatToRawIntBits(ROUNDER);

    private LaneIntegers() {}

    /** The nearest whole numbers, half to even; units of a scale that fits its weights are below 2^9. */
    static IntVector nearest(FloatVector units) {
        return units.add(ROUNDER).reinterpretAsInts().sub(ROUNDER_BITS);
    }

    /** The same numbers as floats. */
    static FloatVector floats(IntVector numbers) {
        return numbers.add(ROUNDER_BITS).reinterpretAsFloats().sub(ROUNDER);
    }
}
