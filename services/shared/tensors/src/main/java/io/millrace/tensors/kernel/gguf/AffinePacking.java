package io.millrace.tensors.kernel.gguf;

/**
 * The head of a Q4_K or Q5_K super-block, and the order of its bits: f16 scales of the 8 scales and 8 minima, and
 * their 6-bit codes, of which 4 sub-blocks spread over the high bits of the others.
 */
final class AffinePacking {
    static final int HEAD_BYTES = 16;
    private static final int SUB_BLOCKS = 8;
    private static final int SUB = 32;

    private final short d;
    private final short dMin;
    private final int[] scaleCodes;
    private final int[] minCodes;

    private AffinePacking(short d, short dMin, int[] scaleCodes, int[] minCodes) {
        this.d = d;
        this.dMin = dMin;
        this.scaleCodes = scaleCodes;
        this.minCodes = minCodes;
    }

    /** Quantizes scales[from, from + 8) and mins[from, from + 8) to 6 bits below their largest. */
    static AffinePacking of(float[] scales, float[] mins, int from) {
        float maxScale = largest(scales, from);
        float maxMin = largest(mins, from);
        return new AffinePacking(
                Float.floatToFloat16(maxScale / 63f),
                Float.floatToFloat16(maxMin / 63f),
                codes(scales, from, maxScale),
                codes(mins, from, maxMin));
    }

    /** The same by the error weighted with sums[from, from + 8). */
    static AffinePacking weighted(float[] scales, float[] mins, float[] sums, int from) {
        PositiveLevels scale = PositiveLevels.of(scales, sums, from, SUB_BLOCKS, 63);
        PositiveLevels min = PositiveLevels.of(mins, sums, from, SUB_BLOCKS, 63);
        return new AffinePacking(
                Float.floatToFloat16(scale.step()), Float.floatToFloat16(min.step()), scale.levels(), min.levels());
    }

    private static float largest(float[] values, int from) {
        float largest = 0;
        for (int j = 0; j < SUB_BLOCKS; j++) {
            largest = values[from + j] > largest ? values[from + j] : largest;
        }
        return largest;
    }

    private static int[] codes(float[] values, int from, float largest) {
        float inverse = largest > 0 ? 63f / largest : 0f;
        int[] codes = new int[SUB_BLOCKS];
        for (int j = 0; j < SUB_BLOCKS; j++) {
            // The reference keeps the integer in an unsigned byte before it takes the smaller.
            codes[j] = Math.min(63, Rounding.nearest(inverse * values[from + j]) & 0xff);
        }
        return codes;
    }

    /** The scale of a sub-block as a reader will compute it. */
    float scale(int j) {
        return Float.float16ToFloat(d) * scaleCodes[j];
    }

    /** The minimum of a sub-block, negated, as a reader will compute it. */
    float min(int j) {
        return Float.float16ToFloat(dMin) * minCodes[j];
    }

    /** Writes the super-block; the code of element i of sub-block j is codes[from + j · subStride + i · stride]. */
    void write(boolean fifthBit, int[] codes, int from, int subStride, int stride, byte[] out, int at) {
        writeHead(out, at);
        pack(fifthBit, codes, from, subStride, stride, out, at + HEAD_BYTES);
    }

    void writeHead(byte[] out, int at) {
        out[at] = (byte) d;
        out[at + 1] = (byte) (d >> 8);
        out[at + 2] = (byte) dMin;
        out[at + 3] = (byte) (dMin >> 8);
        for (int j = 0; j < 4; j++) {
            int scale = scaleCodes[j + 4];
            int min = minCodes[j + 4];
            out[at + 4 + j] = (byte) (scaleCodes[j] | ((scale >> 4) << 6));
            out[at + 8 + j] = (byte) (minCodes[j] | ((min >> 4) << 6));
            out[at + 12 + j] = (byte) ((scale & 15) | ((min & 15) << 4));
        }
    }

    private static void pack(boolean fifthBit, int[] codes, int from, int subStride, int stride, byte[] out, int at) {
        int low = at + (fifthBit ? SUB : 0);
        for (int pair = 0; pair < 4; pair++) {
            int first = from + 2 * pair * subStride;
            int second = first + subStride;
            for (int i = 0; i < SUB; i++) {
                out[low + pair * SUB + i] =
                        (byte) ((codes[first + i * stride] & 15) | ((codes[second + i * stride] & 15) << 4));
            }
        }
        if (fifthBit) {
            for (int i = 0; i < SUB; i++) {
                int high = 0;
                for (int j = 0; j < SUB_BLOCKS; j++) {
                    high |= codes[from + j * subStride + i * stride] >> 4 << j;
                }
                out[at + i] = (byte) high;
            }
        }
    }
}
