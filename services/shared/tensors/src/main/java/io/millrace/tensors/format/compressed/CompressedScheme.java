package io.millrace.tensors.format.compressed;

/** The weight-only schemes: symmetric integers in groups of 128, activations stay at 16 bits. */
public enum CompressedScheme {
    W4A16(4),
    W8A16(8);

    private final int bits;

    CompressedScheme(int bits) {
        this.bits = bits;
    }

    public int bits() {
        return bits;
    }
}
