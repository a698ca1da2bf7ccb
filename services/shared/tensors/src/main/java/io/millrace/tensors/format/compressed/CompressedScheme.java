package io.millrace.tensors.format.compressed;

import io.millrace.tensors.DType;

/** What a quantized module stores. */
public enum CompressedScheme {
    /** Packed integers in groups of 128; inputs stay at 16 bits. */
    W4A16(4, true, DType.I32),
    /** Each group has a zero point, so that its codes cover no more than its weights do. */
    W4A16_ASYM(4, false, DType.I32),
    W8A16(8, true, DType.I32),
    /** 8-bit floats with one scale per row; consumers round the inputs too, each token by its largest magnitude. */
    FP8_DYNAMIC(8, true, DType.F8_E4M3),
    /** The same with 8-bit integers. */
    W8A8(8, true, DType.I8);

    private final int bits;
    private final boolean symmetric;
    private final DType codeType;

    CompressedScheme(int bits, boolean symmetric, DType codeType) {
        this.bits = bits;
        this.symmetric = symmetric;
        this.codeType = codeType;
    }

    public int bits() {
        return bits;
    }

    public boolean symmetric() {
        return symmetric;
    }

    /** What holds the codes: words of packed ones, or one element per weight. */
    DType codeType() {
        return codeType;
    }

    /** Whether consumers round the inputs of modules when they run the model. */
    public boolean roundsInputs() {
        return codeType != DType.I32;
    }
}
