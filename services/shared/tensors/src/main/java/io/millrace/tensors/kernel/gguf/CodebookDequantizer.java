package io.millrace.tensors.kernel.gguf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** {@link BlockDequantizer} for the types whose codes are places in a small table. */
final class CodebookDequantizer {
    private static final byte[] NON_LINEAR = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
    /** Twice the values of E2M1, so that they are whole. */
    private static final byte[] DOUBLED_E2M1 = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

    private CodebookDequantizer() {}

    static void iq4nl(byte[] b, int from, int count, float[] y, int at) {
        for (int block = 0; block < count; block++, from += 18, at += 32) {
            look(NON_LINEAR, half(b, from), b, from + 2, y, at);
        }
    }

    static void iq4xs(byte[] b, int from, int count, float[] y, int at) {
        for (int block = 0; block < count; block++, from += 136, at += 256) {
            float d = half(b, from);
            int high = (b[from + 2] & 0xff) | ((b[from + 3] & 0xff) << 8);
            for (int j = 0; j < 8; j++) {
                int low = (b[from + 4 + j / 2] >> (4 * (j % 2))) & 15;
                int scale = low | (((high >> (2 * j)) & 3) << 4);
                look(NON_LINEAR, d * (scale - 32), b, from + 8 + 16 * j, y, at + 32 * j);
            }
        }
    }

    static void mxfp4(byte[] b, int from, int count, float[] y, int at) {
        for (int block = 0; block < count; block++, from += 17, at += 32) {
            look(DOUBLED_E2M1, Math.scalb(1f, (b[from] & 0xff) - 128), b, from + 1, y, at);
        }
    }

    static void tq2(byte[] b, int from, int count, float[] y, int at) {
        for (int block = 0; block < count; block++, from += 66, at += 256) {
            float d = half(b, from + 64);
            for (int i = 0; i < 256; i++) {
                int place = from + 32 * (i / 128) + i % 32;
                int code = (b[place] >> (2 * (i % 128 / 32))) & 3;
                y[at + i] = (code - 1) * d;
            }
        }
    }

    private static void look(byte[] table, float scale, byte[] b, int from, float[] y, int at) {
        for (int i = 0; i < 16; i++) {
            int pair = b[from + i];
            y[at + i] = scale * table[pair & 15];
            y[at + i + 16] = scale * table[(pair >> 4) & 15];
        }
    }

    private static float half(byte[] b, int at) {
        return Float.float16ToFloat(
                ByteBuffer.wrap(b).order(ByteOrder.LITTLE_ENDIAN).getShort(at));
    }
}
