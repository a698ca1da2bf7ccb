package io.millrace.tensors.kernel.gguf;

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

    private final float[] maxima = new float[S.length()];
    private final int[] codes = new int[ELEMENTS];

    /** Quantizes x[from, from + 32) to out[at, at + 34). */
    void quantize(float[] x, int from, byte[] out, int at) {
        float d = largest(x, from, maxima) / 127f;
        float inverse = 1f / d;
        if (d == 0 || inverse == Float.POSITIVE_INFINITY) {
            ScalarBlocks32.q8(x, from, out, at);
            return;
        }
        ScalarBlocks32.half(d, out, at);
        round(x, from, inverse, codes);
        for (int i = 0; i < ELEMENTS; i++) {
            out[at + 2 + i] = (byte) codes[i];
        }
    }

    private static float largest(float[] x, int from, float[] maxima) {
        FloatVector largest = FloatVector.zero(S);
        for (int i = 0; i < ELEMENTS; i += S.length()) {
            largest = largest.max(FloatVector.fromArray(S, x, from + i).abs());
        }
        largest.intoArray(maxima, 0);
        float all = 0;
        for (float maximum : maxima) {
            all = Math.max(all, maximum);
        }
        return all;
    }

    /** Half away from zero: half to even by the magic number, then one more where that went down from a half. */
    private static void round(float[] x, int from, float inverse, int[] codes) {
        for (int i = 0; i < ELEMENTS; i += S.length()) {
            FloatVector value = FloatVector.fromArray(S, x, from + i).mul(inverse);
            FloatVector magnitude = value.abs();
            FloatVector shifted = magnitude.add(Rounding.MAGIC);
            FloatVector rest = magnitude.sub(shifted.sub(Rounding.MAGIC));
            IntVector code = shifted.reinterpretAsInts().sub(MAGIC_BITS);
            code = code.blend(
                    code.add(1), rest.compare(VectorOperators.EQ, 0.5f).cast(Lanes.INTS));
            code.blend(code.neg(), value.compare(VectorOperators.LT, 0f).cast(Lanes.INTS))
                    .intoArray(codes, i);
        }
    }
}
