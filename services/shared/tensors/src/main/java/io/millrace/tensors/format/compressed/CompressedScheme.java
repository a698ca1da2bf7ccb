package io.millrace.tensors.format.compressed;

/** The weight-only schemes: integers in groups of 128, activations stay at 16 bits. */
public enum CompressedScheme {
    W4A16(4, true),
    /** Each group has a zero point, so that its codes cover no more than its weights do. */
    W4A16_ASYM(4, false),
    W8A16(8, true);

    private final int bits;
    private final boolean symmetric;

    CompressedScheme(int bits, boolean symmetric) {
        this.bits = bits;
        this.symmetric = symmetric;
    }

    public int bits() {
        return bits;
    }

    public boolean symmetric() {
        return symmetric;
    }
}
