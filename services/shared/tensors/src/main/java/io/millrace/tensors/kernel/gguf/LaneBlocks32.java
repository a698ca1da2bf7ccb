package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.kernel.LaneBytes;
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
    private static final int MAGIC_BITS = Float.floatToRawIntBits(Rounding.MAGIC);

    private final int bits;
    private final int top;

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
        write(x, from, 0f, inverse, half + 0.5f, out, at + 2);
    }

    /** Q4_1 or Q5_1. */
    void affine(float[] x, int from, byte[] out, int at) {
        long extremes = extremes(x, from);
        float min = inOrder((int) (extremes >> 32));
        float max = inOrder((int) extremes);
        float d = (max - min) / top;
        float inverse = 1f / d;
        if (min == 0 || !Float.isFinite(inverse) || !Float.isFinite(d)) {
            ScalarBlocks32.affine(bits, x, from, out, at);
            return;
        }
        ScalarBlocks32.half(d, out, at);
        ScalarBlocks32.half(min, out, at + 2);
        write(x, from, min, inverse, 0.5f, out, at + 4);
    }

    private void write(float[] x, int from, float base, float inverse, float round, byte[] out, int at) {
        if (bits == 4) {
            pairs(x, from, base, inverse, round, out, at);
            return;
        }
        int high = fives(x, from, base, inverse, round, out, at + 4);
        for (int i = 0; i < 4; i++) {
            out[at + i] = (byte) (high >> (8 * i));
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

    /** The least number's integer in the upper half, the largest's in the lower. */
    private static long extremes(float[] x, int from) {
        IntVector least = ordered(x, from);
        IntVector most = least;
        for (int i = S.length(); i < ELEMENTS; i += S.length()) {
            IntVector next = ordered(x, from + i);
            least = least.min(next);
            most = most.max(next);
        }
        long upper = least.reduceLanes(VectorOperators.MIN);
        return upper << 32 | (most.reduceLanes(VectorOperators.MAX) & 0xffff_ffffL);
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

    /** Writes 4-bit codes. */
    private static void pairs(float[] x, int from, float base, float inverse, float round, byte[] out, int at) {
        for (int i = 0; i < PAIRS; i += S.length()) {
            IntVector first = converted(x, from + i, base, inverse, round).min(15);
            IntVector second =
                    converted(x, from + i + PAIRS, base, inverse, round).min(15);
            LaneBytes.store(first.or(second.lanewise(VectorOperators.LSHL, 4)), out, at + i);
        }
    }

    /** Writes the low nibbles of 5-bit codes; the fifth bits of all are returned. */
    private static int fives(float[] x, int from, float base, float inverse, float round, byte[] out, int at) {
        int high = 0;
        for (int i = 0; i < PAIRS; i += S.length()) {
            IntVector first = truncated(x, from + i, base, inverse, round).min(31);
            IntVector second =
                    truncated(x, from + i + PAIRS, base, inverse, round).min(31);
            high |= (int) first.compare(VectorOperators.GT, 15).toLong() << i;
            high |= (int) second.compare(VectorOperators.GT, 15).toLong() << (i + PAIRS);
            IntVector low = first.and(15).or(second.and(15).lanewise(VectorOperators.LSHL, 4));
            LaneBytes.store(low, out, at + i);
        }
        return high;
    }

    private static IntVector converted(float[] x, int from, float base, float inverse, float round) {
        return (IntVector) values(x, from, base, inverse, round).convertShape(VectorOperators.F2I, Lanes.INTS, 0);
    }

    /**
     * The same by hand. With conversions {@link #fives} is more than the compiler takes on, at 256 bits half as fast;
     * {@link #pairs} is shorter and faster with them.
     */
    private static IntVector truncated(float[] x, int from, float base, float inverse, float round) {
        FloatVector value = values(x, from, base, inverse, round);
        FloatVector shifted = value.add(Rounding.MAGIC);
        // Negative, which is to say -1 in each bit behind the sign, where the nearest number is above.
        IntVector above = value.sub(shifted.sub(Rounding.MAGIC)).reinterpretAsInts();
        return shifted.reinterpretAsInts().sub(MAGIC_BITS).add(above.lanewise(VectorOperators.ASHR, 31));
    }

    /** What the codes are the whole part of; none is negative. */
    private static FloatVector values(float[] x, int from, float base, float inverse, float round) {
        return FloatVector.fromArray(S, x, from).sub(base).mul(inverse).add(round);
    }
}
