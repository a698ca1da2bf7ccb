package io.millrace.tensors.kernel.gguf;

import static io.millrace.tensors.kernel.gguf.LaneCodes.LANES;
import static io.millrace.tensors.kernel.gguf.LaneCodes.bits;
import static io.millrace.tensors.kernel.gguf.LaneCodes.fifthBits;
import static io.millrace.tensors.kernel.gguf.LaneCodes.load;
import static io.millrace.tensors.kernel.gguf.LaneCodes.scaled;

import io.millrace.tensors.kernel.Lanes;
import jdk.incubator.vector.IntVector;

/** {@link BlockDequantizer}'s types with blocks of 32, a vector of weights at a time. */
final class LaneDequantizer32 {
    private LaneDequantizer32() {}

    static void q8(byte[] b, int from, int count, float[] y, int at) {
        for (int block = 0; block < count; block++, from += 34, at += 32) {
            float d = BlockDequantizer.half(b, from);
            for (int i = 0; i < 32; i += LANES) {
                scaled(load(b, from + 2 + i), d).intoArray(y, at + i);
            }
        }
    }

    static void q4(byte[] b, int from, int count, float[] y, int at) {
        for (int block = 0; block < count; block++, from += 18, at += 32) {
            float d = BlockDequantizer.half(b, from);
            for (int i = 0; i < 16; i += LANES) {
                IntVector pairs = load(b, from + 2 + i);
                scaled(pairs.and(15).sub(8), d).intoArray(y, at + i);
                scaled(bits(pairs, 4, 15).sub(8), d).intoArray(y, at + i + 16);
            }
        }
    }

    static void q41(byte[] b, int from, int count, float[] y, int at) {
        for (int block = 0; block < count; block++, from += 20, at += 32) {
            float d = BlockDequantizer.half(b, from);
            float m = BlockDequantizer.half(b, from + 2);
            for (int i = 0; i < 16; i += LANES) {
                IntVector pairs = load(b, from + 4 + i);
                scaled(pairs.and(15), d).add(m).intoArray(y, at + i);
                scaled(bits(pairs, 4, 15), d).add(m).intoArray(y, at + i + 16);
            }
        }
    }

    static void q5(byte[] b, int from, int count, float[] y, int at) {
        IntVector lanes = IntVector.zero(Lanes.INTS).addIndex(1);
        for (int block = 0; block < count; block++, from += 22, at += 32) {
            float d = BlockDequantizer.half(b, from);
            int high = BlockDequantizer.word(b, from + 2);
            for (int i = 0; i < 16; i += LANES) {
                IntVector pairs = load(b, from + 6 + i);
                IntVector first = pairs.and(15).or(fifthBits(high, i, lanes));
                IntVector second = bits(pairs, 4, 15).or(fifthBits(high, i + 16, lanes));
                scaled(first.sub(16), d).intoArray(y, at + i);
                scaled(second.sub(16), d).intoArray(y, at + i + 16);
            }
        }
    }

    static void q51(byte[] b, int from, int count, float[] y, int at) {
        IntVector lanes = IntVector.zero(Lanes.INTS).addIndex(1);
        for (int block = 0; block < count; block++, from += 24, at += 32) {
            float d = BlockDequantizer.half(b, from);
            float m = BlockDequantizer.half(b, from + 2);
            int high = BlockDequantizer.word(b, from + 4);
            for (int i = 0; i < 16; i += LANES) {
                IntVector pairs = load(b, from + 8 + i);
                IntVector first = pairs.and(15).or(fifthBits(high, i, lanes));
                IntVector second = bits(pairs, 4, 15).or(fifthBits(high, i + 16, lanes));
                scaled(first, d).add(m).intoArray(y, at + i);
                scaled(second, d).add(m).intoArray(y, at + i + 16);
            }
        }
    }
}
