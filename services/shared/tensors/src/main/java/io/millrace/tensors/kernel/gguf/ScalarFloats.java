package io.millrace.tensors.kernel.gguf;

/** Plain floats, little-endian. */
final class ScalarFloats {
    private ScalarFloats() {}

    static void f32(float value, byte[] out, int at) {
        int bits = Float.floatToRawIntBits(value);
        for (int i = 0; i < 4; i++) {
            out[at + i] = (byte) (bits >> (8 * i));
        }
    }

    /** The upper half of the F32, rounded half to even. */
    static void bf16(float value, byte[] out, int at) {
        int bits = Float.floatToRawIntBits(value);
        int rounded = (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
        out[at] = (byte) rounded;
        out[at + 1] = (byte) (rounded >> 8);
    }
}
