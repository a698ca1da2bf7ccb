package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.kernel.LaneBytes;
import io.millrace.tensors.kernel.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link ScalarTernary} with the elements of a block in lanes: only the largest of them crosses lanes. Blocks whose
 * largest magnitude has no finite inverse are left to the specification.
 */
final class LaneTernary {
    private static final int ELEMENTS = ScalarTernary.ELEMENTS;
    private static final int QUARTER = 32;
    private static final VectorSpecies<Float> S = Lanes.FLOATS;

    private LaneTernary() {}

    /** Quantizes x[from, from + 256) to out[at, at + 66). */
    static void quantize(float[] x, int from, byte[] out, int at) {
        float largest = largest(x, from);
        float inverse = 1 / largest;
        if (!Float.isFinite(inverse)) {
            ScalarTernary.quantize(x, from, out, at);
            return;
        }
        encode(x, from, inverse, out, at);
        encode(x, from + 4 * QUARTER, inverse, out, at + QUARTER);
        ScalarBlocks32.half(largest, out, at + 64);
    }

    /** Magnitudes have the order of their bits. */
    private static float largest(float[] x, int from) {
        IntVector largest = IntVector.zero(Lanes.INTS);
        for (int i = 0; i < ELEMENTS; i += S.length()) {
            IntVector bits = FloatVector.fromArray(S, x, from + i).reinterpretAsInts();
            largest = largest.max(bits.and(Integer.MAX_VALUE));
        }
        return Float.intBitsToFloat(largest.reduceLanes(VectorOperators.MAX));
    }

    private static void encode(float[] x, int from, float inverse, byte[] out, int at) {
        for (int i = 0; i < QUARTER; i += S.length()) {
            IntVector codes = codes(x, from + i, inverse);
            codes = codes.or(codes(x, from + QUARTER + i, inverse).lanewise(VectorOperators.LSHL, 2));
            codes = codes.or(codes(x, from + 2 * QUARTER + i, inverse).lanewise(VectorOperators.LSHL, 4));
            codes = codes.or(codes(x, from + 3 * QUARTER + i, inverse).lanewise(VectorOperators.LSHL, 6));
            LaneBytes.store(codes, out, at + i);
        }
    }

    /** Rounded half away from zero, plus 1. No product's magnitude exceeds 1 by more than its last place. */
    private static IntVector codes(float[] x, int from, float inverse) {
        FloatVector value = FloatVector.fromArray(S, x, from).mul(inverse);
        return IntVector.zero(Lanes.INTS)
                .blend(1, value.compare(VectorOperators.GT, -0.5f).cast(Lanes.INTS))
                .blend(2, value.compare(VectorOperators.GE, 0.5f).cast(Lanes.INTS));
    }
}
