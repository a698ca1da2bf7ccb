package io.millrace.tensors.kernel.gguf;

import static io.millrace.tensors.kernel.gguf.LaneCodes.LANES;
import static io.millrace.tensors.kernel.gguf.LaneCodes.bits;
import static io.millrace.tensors.kernel.gguf.LaneCodes.load;
import static io.millrace.tensors.kernel.gguf.LaneCodes.scaled;

import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** {@link BlockDequantizer}'s types with blocks of 256, a vector of weights at a time. */
final class LaneDequantizerK {
    private LaneDequantizerK() {}

    static void q2(byte[] b, int from, int count, float[] y, int at) {
        for (int block = 0; block < count; block++, from += 84, at += 256) {
            float d = BlockDequantizer.half(b, from + 80);
            float dMin = BlockDequantizer.half(b, from + 82);
            for (int j = 0; j < 16; j++) {
                float scale = d * (b[from + j] & 15);
                float min = dMin * ((b[from + j] >> 4) & 15);
                int low = from + 16 + 32 * (j / 8) + 16 * (j & 1);
                int shift = 2 * (j % 8 / 2);
                int out = at + 16 * j;
                for (int i = 0; i < 16; i += LANES) {
                    scaled(bits(load(b, low + i), shift, 3), scale).sub(min).intoArray(y, out + i);
                }
            }
        }
    }

    static void q3(byte[] b, int from, int count, float[] y, int at) {
        for (int block = 0; block < count; block++, from += 110, at += 256) {
            float d = BlockDequantizer.half(b, from + 108);
            for (int j = 0; j < 16; j++) {
                float scale = d * BlockDequantizer.q3Scale(b, from + 96, j);
                int column = 16 * (j & 1);
                int low = from + 32 + 32 * (j / 8) + column;
                int shift = 2 * (j % 8 / 2);
                int high = from + column;
                int out = at + 16 * j;
                for (int i = 0; i < 16; i += LANES) {
                    IntVector top = bits(load(b, high + i), j / 2, 1).lanewise(VectorOperators.LSHL, 2);
                    IntVector codes = bits(load(b, low + i), shift, 3).or(top);
                    scaled(codes.sub(4), scale).intoArray(y, out + i);
                }
            }
        }
    }

    static void q4(byte[] b, int from, int count, float[] y, int at) {
        for (int block = 0; block < count; block++, from += 144, at += 256) {
            float d = BlockDequantizer.half(b, from);
            float dMin = BlockDequantizer.half(b, from + 2);
            for (int j = 0; j < 8; j++) {
                float scale = d * BlockDequantizer.sixBitScale(b, from + 4, j);
                float min = dMin * BlockDequantizer.sixBitMin(b, from + 4, j);
                int low = from + 16 + 32 * (j / 2);
                int out = at + 32 * j;
                for (int i = 0; i < 32; i += LANES) {
                    scaled(bits(load(b, low + i), 4 * (j & 1), 15), scale)
                            .sub(min)
                            .intoArray(y, out + i);
                }
            }
        }
    }

    static void q5(byte[] b, int from, int count, float[] y, int at) {
        for (int block = 0; block < count; block++, from += 176, at += 256) {
            float d = BlockDequantizer.half(b, from);
            float dMin = BlockDequantizer.half(b, from + 2);
            for (int j = 0; j < 8; j++) {
                float scale = d * BlockDequantizer.sixBitScale(b, from + 4, j);
                float min = dMin * BlockDequantizer.sixBitMin(b, from + 4, j);
                int low = from + 48 + 32 * (j / 2);
                int out = at + 32 * j;
                for (int i = 0; i < 32; i += LANES) {
                    IntVector top = bits(load(b, from + 16 + i), j, 1).lanewise(VectorOperators.LSHL, 4);
                    IntVector codes = bits(load(b, low + i), 4 * (j & 1), 15).or(top);
                    scaled(codes, scale).sub(min).intoArray(y, out + i);
                }
            }
        }
    }

    static void q6(byte[] b, int from, int count, float[] y, int at) {
        for (int block = 0; block < count; block++, from += 210, at += 256) {
            float d = BlockDequantizer.half(b, from + 208);
            for (int j = 0; j < 16; j++) {
                float scale = d * b[from + 192 + j];
                int quarter = j % 8 / 2;
                int column = 16 * (j & 1);
                int low = from + 64 * (j / 8) + 32 * (quarter & 1) + column;
                int high = from + 128 + 32 * (j / 8) + column;
                int out = at + 16 * j;
                for (int i = 0; i < 16; i += LANES) {
                    IntVector top = bits(load(b, high + i), 2 * quarter, 3).lanewise(VectorOperators.LSHL, 4);
                    IntVector codes =
                            bits(load(b, low + i), 4 * (quarter / 2), 15).or(top);
                    scaled(codes.sub(32), scale).intoArray(y, out + i);
                }
            }
        }
    }
}
