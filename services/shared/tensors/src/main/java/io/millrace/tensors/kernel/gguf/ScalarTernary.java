package io.millrace.tensors.kernel.gguf;

/**
 * Specification of TQ2_0, meant for models trained to the three weights −d, 0 and d.
 *
 * <pre>
 * TQ2_0 256 elements, 66 bytes   u8 codes[64]; f16 d     value d · (code − 1), code 0, 1 or 2
 * </pre>
 *
 * Each half of 128 elements has 32 bytes: byte i holds the codes of elements i, i + 32, i + 64, i + 96, lowest bits first.
 */
final class ScalarTernary {
    static final int ELEMENTS = 256;

    private ScalarTernary() {}

    static void quantize(float[] x, int from, byte[] out, int at) {
        float largest = 0;
        for (int i = 0; i < ELEMENTS; i++) {
            largest = Math.max(largest, Math.abs(x[from + i]));
        }
        float inverse = largest == 0 ? 0 : 1 / largest;
        for (int half = 0; half < 2; half++) {
            int first = from + 128 * half;
            for (int i = 0; i < 32; i++) {
                int codes = 0;
                for (int quarter = 0; quarter < 4; quarter++) {
                    int code = Rounding.awayFromZero(x[first + 32 * quarter + i] * inverse) + 1;
                    codes |= (code & 3) << (2 * quarter);
                }
                out[at + 32 * half + i] = (byte) codes;
            }
        }
        ScalarBlocks32.half(largest, out, at + 64);
    }
}
