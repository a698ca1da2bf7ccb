package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.kernel.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link ScalarBlocks32}'s Q4_0, Q5_0, Q4_1 and Q5_1 with the elements of a block in lanes. Only the least and the
 * largest number cross lanes, as integers, whose order is that of floats. Blocks where the order of equal numbers
 * matters, or whose scale has no finite inverse, are left to the specification.
 */
final class LaneBlocks32 {
    private static final int ELEMENTS = ScalarBlocks32.ELEMENTS;
    private static final int PAIRS = ELEMENTS / 2;
    private static final VectorSpecies<Float> S = Lanes.FLOATS;

    private final int bits;
    private final int top;
    private final int[] pairs = new int[PAIRS];

    LaneBlocks32(int bits) {
        this.bits = bits;
        this.top = (1 << bits) - 1;
    }

    /** Q4_0 or Q5_0. */
    void symmetric(float[] x, int from, byte[] out, int at) {
        int positive = largest(x, from, 0);
        int negative = largest(x, from, Integer.MIN_VALUE);
        int half = 1 << (bits - 1);
        float signed = positive > negative ? Float.intBitsToFloat(positive) : -Float.intBitsToFloat(negative);
        float d = signed / -half;
        float inverse = 1f / d;
        if (positive == negative || !Float.isFinite(inverse) || !Float.isFinite(d)) {
            ScalarBlocks32.symmetric(bits, x, from, out, at);
            return;
        }
        ScalarBlocks32.half(d, out, at);
        int high = encode(x, from, 0f, inverse, half + 0.5f, top, pairs);
        write(high, out, at + 2);
    }

    /** Q4_1 or Q5_1. */
    void affine(float[] x, int from, byte[] out, int at) {
        float min = inOrder(least(x, from));
        float max = inOrder(most(x, from));
        float d = (max - min) / top;
        float inverse = 1f / d;
        if (min == 0 || !Float.isFinite(inverse) || !Float.isFinite(d)) {
            ScalarBlocks32.affine(bits, x, from, out, at);
            return;
        }
        ScalarBlocks32.half(d, out, at);
        ScalarBlocks32.half(min, out, at + 2);
        int high = encode(x, from, min, inverse, 0.5f, top, pairs);
        write(high, out, at + 4);
    }

    private void write(int high, byte[] out, int at) {
        int low = at;
        if (bits == 5) {
            for (int i = 0; i < 4; i++) {
                out[at + i] = (byte) (high >> (8 * i));
            }
            low += 4;
        }
        for (int i = 0; i < PAIRS; i++) {
            out[low + i] = (byte) pairs[i];
        }
    }

    /** The bits of the largest number once signs are flipped by {@code sign}; negative if none is positive then. */
    private static int largest(float[] x, int from, int sign) {
        IntVector largest = bits(x, from).lanewise(VectorOperators.XOR, sign);
        for (int i = S.length(); i < ELEMENTS; i += S.length()) {
            largest = largest.max(bits(x, from + i).lanewise(VectorOperators.XOR, sign));
        }
        return largest.reduceLanes(VectorOperators.MAX);
    }

    private static int least(float[] x, int from) {
        IntVector least = ordered(x, from);
        for (int i = S.length(); i < ELEMENTS; i += S.length()) {
            least = least.min(ordered(x, from + i));
        }
        return least.reduceLanes(VectorOperators.MIN);
    }

    private static int most(float[] x, int from) {
        IntVector most = ordered(x, from);
        for (int i = S.length(); i < ELEMENTS; i += S.length()) {
            most = most.max(ordered(x, from + i));
        }
        return most.reduceLanes(VectorOperators.MAX);
    }

    private static IntVector bits(float[] x, int from) {
        return FloatVector.fromArray(S, x, from).reinterpretAsInts();
    }

    /** Integers in the order of the numbers: the magnitude bits of negative ones are flipped. */
    private static IntVector ordered(float[] x, int from) {
        IntVector bits = bits(x, from);
        return bits.lanewise(VectorOperators.ASHR, 31).and(Integer.MAX_VALUE).lanewise(VectorOperators.XOR, bits);
    }

    private static float inOrder(int ordered) {
        return Float.intBitsToFloat(((ordered >> 31) & Integer.MAX_VALUE) ^ ordered);
    }

    /** Puts the low nibbles of each pair of codes into one number; the fifth bits of all codes are returned. */
    private static int encode(float[] x, int from, float base, float inverse, float round, int top, int[] pairs) {
        int high = 0;
        for (int i = 0; i < PAIRS; i += S.length()) {
            IntVector first = codes(x, from + i, base, inverse, round, top);
            IntVector second = codes(x, from + i + PAIRS, base, inverse, round, top);
            first.and(15).or(second.and(15).lanewise(VectorOperators.LSHL, 4)).intoArray(pairs, i);
            if (top > 15) {
                high |= (int) first.compare(VectorOperators.GT, 15).toLong() << i;
                high |= (int) second.compare(VectorOperators.GT, 15).toLong() << (i + PAIRS);
            }
        }
        return high;
    }

    private static IntVector codes(float[] x, int from, float base, float inverse, float round, int top) {
        FloatVector value =
                FloatVector.fromArray(S, x, from).sub(base).mul(inverse).add(round);
        return ((IntVector) value.convertShape(VectorOperators.F2I, Lanes.INTS, 0)).min(top);
    }
}
