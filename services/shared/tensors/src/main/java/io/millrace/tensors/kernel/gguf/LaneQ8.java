package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.kernel.LaneBytes;
import io.millrace.tensors.kernel.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** {@link ScalarBlocks32#q8} with the elements of a block in lanes: only the largest of them crosses lanes. */
final class LaneQ8 {
    private static final int ELEMENTS = ScalarBlocks32.ELEMENTS;
    private static final VectorSpecies<Float> S = Lanes.FLOATS;
    /** {@link Rounding#MAGIC} as bits. */
    private static final int MAGIC_BITS = 0x4b40_0000;

    private LaneQ8() {}

    /** Quantizes x[from, from + 32) to out[at, at + 34). */
    static void quantize(float[] x, int from, byte[] out, int at) {
        float d = largest(x, from) / 127f;
        float inverse = 1f / d;
        if (d == 0 || inverse == Float.POSITIVE_INFINITY) {
            ScalarBlocks32.q8(x, from, out, at);
            return;
        }
        ScalarBlocks32.half(d, out, at);
        round(x, from, inverse, out, at + 2);
    }

    /** The largest magnitude in x[from, from + 32): magnitudes have the order of their bits. */
    static float largest(float[] x, int from) {
        IntVector largest = IntVector.zero(Lanes.INTS);
        for (int i = 0; i < ELEMENTS; i += S.length()) {
            IntVector bits = FloatVector.fromArray(S, x, from + i).reinterpretAsInts();
            largest = largest.max(bits.and(Integer.MAX_VALUE));
        }
        return Float.intBitsToFloat(largest.reduceLanes(VectorOperators.MAX));
    }

    /** Half away from zero: half to even by the magic number, then one more where that went down from a half. */
    private static void round(float[] x, int from, float inverse, byte[] out, int at) {
        for (int i = 0; i < ELEMENTS; i += S.length()) {
            FloatVector value = FloatVector.fromArray(S, x, from + i).mul(inverse);
            FloatVector magnitude = value.abs();
            FloatVector shifted = magnitude.add(Rounding.MAGIC);
            FloatVector rest = magnitude.sub(shifted.sub(Rounding.MAGIC));
            IntVector code = shifted.reinterpretAsInts().sub(MAGIC_BITS);
            code = code.blend(
                    code.add(1), rest.compare(VectorOperators.EQ, 0.5f).cast(Lanes.INTS));
            code = code.blend(code.neg(), value.compare(VectorOperators.LT, 0f).cast(Lanes.INTS));
            LaneBytes.store(code, out, at + i);
        }
    }
}
