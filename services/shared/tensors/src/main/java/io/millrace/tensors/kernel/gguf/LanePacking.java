package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.kernel.LaneBytes;
import io.millrace.tensors.kernel.Lanes;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** The bits of super-blocks, from codes that lie one behind the other. */
final class LanePacking {
    private static final int LANES = LaneCodes.LANES;

    private LanePacking() {}

    /** {@link ScalarQ2K#packPairs}. */
    static void pairs(int[] codes, int from, byte[] out, int at) {
        for (int half = 0; half < 2; half++) {
            for (int i = 0; i < 32; i += LANES) {
                int first = from + 128 * half + i;
                IntVector packed = load(codes, first)
                        .and(3)
                        .or(shifted(load(codes, first + 32).and(3), 2))
                        .or(shifted(load(codes, first + 64).and(3), 4))
                        .or(shifted(load(codes, first + 96).and(3), 6));
                LaneBytes.store(packed, out, at + 32 * half + i);
            }
        }
    }

    /** One bit of eight rows of 32 codes: bit b of byte i is that of code 32 · b + i. */
    static void bits(int[] codes, int from, int bit, byte[] out, int at) {
        for (int i = 0; i < 32; i += LANES) {
            IntVector packed = IntVector.zero(Lanes.INTS);
            for (int row = 7; row >= 0; row--) {
                IntVector one = load(codes, from + 32 * row + i)
                        .lanewise(VectorOperators.LSHR, bit)
                        .and(1);
                packed = shifted(packed, 1).or(one);
            }
            LaneBytes.store(packed, out, at + i);
        }
    }

    /** The low nibbles of Q4_K and Q5_K: code i of an even row of 32 shares a byte with that of the next. */
    static void nibbles(int[] codes, int from, byte[] out, int at) {
        for (int pair = 0; pair < 4; pair++) {
            for (int i = 0; i < 32; i += LANES) {
                IntVector low = load(codes, from + 64 * pair + i).and(15);
                IntVector high = load(codes, from + 64 * pair + 32 + i).and(15);
                LaneBytes.store(low.or(shifted(high, 4)), out, at + 32 * pair + i);
            }
        }
    }

    /** {@link ScalarQ6K#pack}. */
    static void sixes(int[] codes, int from, byte[] out, int at) {
        for (int half = 0; half < 2; half++) {
            for (int i = 0; i < 64; i += LANES) {
                IntVector low = load(codes, from + 128 * half + i).and(15);
                IntVector high = load(codes, from + 128 * half + 64 + i).and(15);
                LaneBytes.store(low.or(shifted(high, 4)), out, at + 64 * half + i);
            }
            for (int i = 0; i < 32; i += LANES) {
                int first = from + 128 * half + i;
                IntVector packed = load(codes, first)
                        .lanewise(VectorOperators.LSHR, 4)
                        .or(shifted(load(codes, first + 32).lanewise(VectorOperators.LSHR, 4), 2))
                        .or(load(codes, first + 64).and(48))
                        .or(shifted(load(codes, first + 96).and(48), 2));
                LaneBytes.store(packed, out, at + 128 + 32 * half + i);
            }
        }
    }

    private static IntVector load(int[] codes, int at) {
        return IntVector.fromArray(Lanes.INTS, codes, at);
    }

    private static IntVector shifted(IntVector codes, int bits) {
        return codes.lanewise(VectorOperators.LSHL, bits);
    }
}
