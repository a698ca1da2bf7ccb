package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.kernel.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The codebook of {@link ScalarCodebook} for a vector of numbers. A number is below a value once its double is below the
 * sum of that value and the next one down, so 15 comparisons find the nearest: three times five, since the compiler
 * would not keep fifteen of them in registers.
 */
final class LaneBook {
    private static final int LOWEST = -127;
    private static final byte[] PLACES = new byte[113 - LOWEST + 1];

    static {
        int[] book = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
        for (int place = 0; place < book.length; place++) {
            PLACES[book[place] - LOWEST] = (byte) place;
        }
    }

    private LaneBook() {}

    /** The nearest of the five highest values, or the sixth. NaN is nearest to the highest. */
    static FloatVector high(FloatVector twice) {
        FloatVector value = FloatVector.broadcast(Lanes.FLOATS, 113f);
        value = below(value, twice, 202f, 89f);
        value = below(value, twice, 158f, 69f);
        value = below(value, twice, 122f, 53f);
        value = below(value, twice, 91f, 38f);
        return below(value, twice, 63f, 25f);
    }

    /** The value so far, or one of the next five. */
    static FloatVector middle(FloatVector found, FloatVector twice) {
        FloatVector value = below(found, twice, 38f, 13f);
        value = below(value, twice, 14f, 1f);
        value = below(value, twice, -9f, -10f);
        value = below(value, twice, -32f, -22f);
        return below(value, twice, -57f, -35f);
    }

    /** The value so far, or one of the five lowest. */
    static FloatVector low(FloatVector found, FloatVector twice) {
        FloatVector value = below(found, twice, -84f, -49f);
        value = below(value, twice, -114f, -65f);
        value = below(value, twice, -148f, -83f);
        value = below(value, twice, -187f, -104f);
        return below(value, twice, -231f, LOWEST);
    }

    private static FloatVector below(FloatVector found, FloatVector twice, float threshold, float lower) {
        return found.blend(lower, twice.compare(VectorOperators.LT, threshold));
    }

    /** The place of a value of the book. */
    static int place(float value) {
        return PLACES[(int) value - LOWEST];
    }
}
