package io.millrace.tensors.format.compressed;

import io.millrace.tensors.kernel.pack.Code;
import io.millrace.tensors.kernel.pack.DynamicRounding;
import java.util.Optional;

/**
 * What a quantized module stores, and how consumers round its inputs as they run it. Names and definitions are the presets
 * of compressed-tensors; {@code _CHANNEL} is what people call their forms with one scale per row.
 */
public enum CompressedScheme {
    /** Packed integers in groups of 128. */
    W4A16(StoredFormat.Kind.PACKED_INTEGERS, Code.INT4, true, 128),
    /** Each group has a zero point, so that its codes cover no more than its weights do. */
    W4A16_ASYM(StoredFormat.Kind.PACKED_INTEGERS, Code.INT4, false, 128),
    W8A16(StoredFormat.Kind.PACKED_INTEGERS, Code.INT8, true, 128),
    W4A16_CHANNEL(StoredFormat.Kind.PACKED_INTEGERS, Code.INT4, true, 0),
    W4A16_ASYM_CHANNEL(StoredFormat.Kind.PACKED_INTEGERS, Code.INT4, false, 0),
    W8A16_CHANNEL(StoredFormat.Kind.PACKED_INTEGERS, Code.INT8, true, 0),
    /** 8-bit floats with one scale per row; each token of the inputs has one, too. */
    FP8_DYNAMIC(StoredFormat.Kind.FLOATS, Code.E4M3, true, 0),
    /** 8-bit floats with one scale per 128 rows and columns; each 128 numbers of a token have one, too. */
    FP8_BLOCK(StoredFormat.Kind.FLOATS, Code.E4M3, true, 128),
    /** 8-bit integers with one scale per row and token. */
    W8A8(StoredFormat.Kind.INTEGERS, Code.INT8, true, 0),
    /** 4-bit floats in groups of 32 whose scales are powers of two; inputs likewise. */
    MXFP4(StoredFormat.Kind.MX_FLOATS, Code.E2M1, true, 32),
    /** The same, inputs stay as they are. */
    MXFP4A16(StoredFormat.Kind.MX_FLOATS, Code.E2M1, true, 32),
    /** 4-bit floats in groups of 16 whose scales are 8-bit floats in units of the module's. */
    NVFP4A16(StoredFormat.Kind.NV_FLOATS, Code.E2M1, true, 16);

    private final StoredFormat.Kind kind;
    private final Code code;
    private final boolean symmetric;
    private final int groupSize;

    CompressedScheme(StoredFormat.Kind kind, Code code, boolean symmetric, int groupSize) {
        this.kind = kind;
        this.code = code;
        this.symmetric = symmetric;
        this.groupSize = groupSize;
    }

    StoredFormat.Kind kind() {
        return kind;
    }

    Code code() {
        return code;
    }

    public int bits() {
        return code.bits();
    }

    public boolean symmetric() {
        return symmetric;
    }

    /** Weights of a row that share a scale; 0 for all. */
    int groupSize() {
        return groupSize;
    }

    /** Whether a scale also serves as many rows as columns. */
    boolean blocks() {
        return this == FP8_BLOCK;
    }

    public Optional<DynamicRounding> inputRounding() {
        return switch (this) {
            case FP8_DYNAMIC -> Optional.of(new DynamicRounding(Code.E4M3, 0));
            case FP8_BLOCK -> Optional.of(new DynamicRounding(Code.E4M3, 128));
            case W8A8 -> Optional.of(new DynamicRounding(Code.INT8, 0));
            case MXFP4 -> Optional.of(new DynamicRounding(Code.E2M1, 32));
            case W4A16, W4A16_ASYM, W8A16, W4A16_CHANNEL, W4A16_ASYM_CHANNEL, W8A16_CHANNEL, MXFP4A16, NVFP4A16 ->
                Optional.empty();
        };
    }
}
