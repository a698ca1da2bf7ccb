package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.GgufType;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Blocks of a ggml type into floats, with the products and sums of ggml's own dequantizers. Written from the layouts
 * alone; it shares nothing with the quantizers. The blocks' scales are read here, their weights in lanes where that is
 * faster ({@link LaneDequantizer32}, {@link LaneDequantizerK}), with the same bits.
 */
public final class BlockDequantizer {
    private static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private BlockDequantizer() {}

    /** Dequantizes {@code elements} elements, whole blocks, from blocks[from …] to values[at …]. */
    public static void dequantize(GgufType type, byte[] blocks, int from, int elements, float[] values, int at) {
        BlockQuantizer.requireBlocks(type, values.length, at, elements, blocks.length, from);
        if (!LaneCodes.AVAILABLE) {
            scalar(type, blocks, from, elements, values, at);
            return;
        }
        int count = elements / type.blockElements();
        switch (type) {
            case Q8_0 -> LaneDequantizer32.q8(blocks, from, count, values, at);
            case Q4_0 -> LaneDequantizer32.q4(blocks, from, count, values, at);
            case Q4_1 -> LaneDequantizer32.q41(blocks, from, count, values, at);
            case Q5_0 -> LaneDequantizer32.q5(blocks, from, count, values, at);
            case Q5_1 -> LaneDequantizer32.q51(blocks, from, count, values, at);
            case Q2_K -> LaneDequantizerK.q2(blocks, from, count, values, at);
            case Q3_K -> LaneDequantizerK.q3(blocks, from, count, values, at);
            case Q4_K -> LaneDequantizerK.q4(blocks, from, count, values, at);
            case Q5_K -> LaneDequantizerK.q5(blocks, from, count, values, at);
            case Q6_K -> LaneDequantizerK.q6(blocks, from, count, values, at);
            case F32, F16, BF16, IQ4_NL, IQ4_XS, TQ2_0, MXFP4 -> scalar(type, blocks, from, elements, values, at);
        }
    }

    /** The specification: one number after the other. */
    static void scalar(GgufType type, byte[] blocks, int from, int elements, float[] values, int at) {
        int count = elements / type.blockElements();
        switch (type) {
            case F32 -> f32(blocks, from, count, values, at);
            case F16 -> f16(blocks, from, count, values, at);
            case BF16 -> bf16(blocks, from, count, values, at);
            case Q8_0 -> q8(blocks, from, count, values, at);
            case Q4_0 -> q4(blocks, from, count, values, at);
            case Q4_1 -> q41(blocks, from, count, values, at);
            case Q5_0 -> q5(blocks, from, count, values, at);
            case Q5_1 -> q51(blocks, from, count, values, at);
            case Q2_K -> q2k(blocks, from, count, values, at);
            case Q3_K -> q3k(blocks, from, count, values, at);
            case Q4_K -> q4k(blocks, from, count, values, at);
            case Q5_K -> q5k(blocks, from, count, values, at);
            case Q6_K -> q6k(blocks, from, count, values, at);
            case IQ4_NL -> CodebookDequantizer.iq4nl(blocks, from, count, values, at);
            case IQ4_XS -> CodebookDequantizer.iq4xs(blocks, from, count, values, at);
            case TQ2_0 -> CodebookDequantizer.tq2(blocks, from, count, values, at);
            case MXFP4 -> CodebookDequantizer.mxfp4(blocks, from, count, values, at);
        }
    }

    static float half(byte[] b, int at) {
        return Float.float16ToFloat((short) SHORT.get(b, at));
    }

    static int word(byte[] b, int at) {
        return (int) INT.get(b, at);
    }

    private static void f32(byte[] b, int from, int count, float[] y, int at) {
        for (int i = 0; i < count; i++) {
            y[at + i] = Float.intBitsToFloat(word(b, from + 4 * i));
        }
    }

    private static void f16(byte[] b, int from, int count, float[] y, int at) {
        for (int i = 0; i < count; i++) {
            y[at + i] = half(b, from + 2 * i);
        }
    }

    private static void bf16(byte[] b, int from, int count, float[] y, int at) {
        for (int i = 0; i < count; i++) {
            y[at + i] = Float.intBitsToFloat((short) SHORT.get(b, from + 2 * i) << 16);
        }
    }

    private static void q8(byte[] b, int from, int count, float[] y, int at) {
        for (int block = 0; block < count; block++, from += 34, at += 32) {
            float d = half(b, from);
            for (int i = 0; i < 32; i++) {
                y[at + i] = d * b[from + 2 + i];
            }
        }
    }

    private static void q4(byte[] b, int from, int count, float[] y, int at) {
        for (int block = 0; block < count; block++, from += 18, at += 32) {
            float d = half(b, from);
            for (int i = 0; i < 16; i++) {
                int pair = b[from + 2 + i];
                y[at + i] = ((pair & 15) - 8) * d;
                y[at + i + 16] = (((pair >> 4) & 15) - 8) * d;
            }
        }
    }

    private static void q41(byte[] b, int from, int count, float[] y, int at) {
        for (int block = 0; block < count; block++, from += 20, at += 32) {
            float d = half(b, from);
            float m = half(b, from + 2);
            for (int i = 0; i < 16; i++) {
                int pair = b[from + 4 + i];
                y[at + i] = (pair & 15) * d + m;
                y[at + i + 16] = ((pair >> 4) & 15) * d + m;
            }
        }
    }

    private static void q5(byte[] b, int from, int count, float[] y, int at) {
        for (int block = 0; block < count; block++, from += 22, at += 32) {
            float d = half(b, from);
            int high = word(b, from + 2);
            for (int i = 0; i < 16; i++) {
                int pair = b[from + 6 + i];
                y[at + i] = (((pair & 15) | (((high >>> i) & 1) << 4)) - 16) * d;
                y[at + i + 16] = ((((pair >> 4) & 15) | (((high >>> (i + 16)) & 1) << 4)) - 16) * d;
            }
        }
    }

    private static void q51(byte[] b, int from, int count, float[] y, int at) {
        for (int block = 0; block < count; block++, from += 24, at += 32) {
            float d = half(b, from);
            float m = half(b, from + 2);
            int high = word(b, from + 4);
            for (int i = 0; i < 16; i++) {
                int pair = b[from + 8 + i];
                y[at + i] = ((pair & 15) | (((high >>> i) & 1) << 4)) * d + m;
                y[at + i + 16] = (((pair >> 4) & 15) | (((high >>> (i + 16)) & 1) << 4)) * d + m;
            }
        }
    }

    private static void q2k(byte[] b, int from, int count, float[] y, int at) {
        for (int block = 0; block < count; block++, from += 84, at += 256) {
            float d = half(b, from + 80);
            float dMin = half(b, from + 82);
            for (int j = 0; j < 16; j++) {
                float scale = d * (b[from + j] & 15);
                float min = dMin * ((b[from + j] >> 4) & 15);
                int low = from + 16 + 32 * (j / 8) + 16 * (j & 1);
                int shift = 2 * (j % 8 / 2);
                int out = at + 16 * j;
                for (int i = 0; i < 16; i++) {
                    y[out + i] = scale * ((b[low + i] >> shift) & 3) - min;
                }
            }
        }
    }

    private static void q3k(byte[] b, int from, int count, float[] y, int at) {
        for (int block = 0; block < count; block++, from += 110, at += 256) {
            float d = half(b, from + 108);
            for (int j = 0; j < 16; j++) {
                float scale = d * q3Scale(b, from + 96, j);
                int column = 16 * (j & 1);
                int low = from + 32 + 32 * (j / 8) + column;
                int shift = 2 * (j % 8 / 2);
                int high = from + column;
                int bit = j / 2;
                int out = at + 16 * j;
                for (int i = 0; i < 16; i++) {
                    int code = ((b[low + i] >> shift) & 3) | ((b[high + i] >> bit) & 1) << 2;
                    y[out + i] = scale * (code - 4);
                }
            }
        }
    }

    static int q3Scale(byte[] b, int at, int j) {
        int nibble = b[at + j % 8] >> (4 * (j / 8)) & 15;
        int pair = b[at + 8 + j % 4] >> (2 * (j / 4)) & 3;
        return (nibble | pair << 4) - 32;
    }

    private static void q4k(byte[] b, int from, int count, float[] y, int at) {
        for (int block = 0; block < count; block++, from += 144, at += 256) {
            float d = half(b, from);
            float dMin = half(b, from + 2);
            for (int j = 0; j < 8; j++) {
                float scale = d * sixBitScale(b, from + 4, j);
                float min = dMin * sixBitMin(b, from + 4, j);
                int low = from + 16 + 32 * (j / 2);
                int shift = 4 * (j & 1);
                int out = at + 32 * j;
                for (int i = 0; i < 32; i++) {
                    y[out + i] = scale * ((b[low + i] >> shift) & 15) - min;
                }
            }
        }
    }

    private static void q5k(byte[] b, int from, int count, float[] y, int at) {
        for (int block = 0; block < count; block++, from += 176, at += 256) {
            float d = half(b, from);
            float dMin = half(b, from + 2);
            int high = from + 16;
            for (int j = 0; j < 8; j++) {
                float scale = d * sixBitScale(b, from + 4, j);
                float min = dMin * sixBitMin(b, from + 4, j);
                int low = from + 48 + 32 * (j / 2);
                int shift = 4 * (j & 1);
                int out = at + 32 * j;
                for (int i = 0; i < 32; i++) {
                    int code = ((b[low + i] >> shift) & 15) | (((b[high + i] >> j) & 1) << 4);
                    y[out + i] = scale * code - min;
                }
            }
        }
    }

    static int sixBitScale(byte[] b, int at, int j) {
        return j < 4 ? b[at + j] & 63 : (b[at + j + 4] & 15) | (((b[at + j - 4] >> 6) & 3) << 4);
    }

    static int sixBitMin(byte[] b, int at, int j) {
        return j < 4 ? b[at + j + 4] & 63 : ((b[at + j + 4] >> 4) & 15) | (((b[at + j] >> 6) & 3) << 4);
    }

    private static void q6k(byte[] b, int from, int count, float[] y, int at) {
        for (int block = 0; block < count; block++, from += 210, at += 256) {
            float d = half(b, from + 208);
            for (int j = 0; j < 16; j++) {
                float scale = d * b[from + 192 + j];
                int half = j / 8;
                int quarter = j % 8 / 2;
                int column = 16 * (j & 1);
                int low = from + 64 * half + 32 * (quarter & 1) + column;
                int lowShift = 4 * (quarter / 2);
                int high = from + 128 + 32 * half + column;
                int highShift = 2 * quarter;
                int out = at + 16 * j;
                for (int i = 0; i < 16; i++) {
                    int code = ((b[low + i] >> lowShift) & 15) | (((b[high + i] >> highShift) & 3) << 4);
                    y[out + i] = scale * (code - 32);
                }
            }
        }
    }
}
