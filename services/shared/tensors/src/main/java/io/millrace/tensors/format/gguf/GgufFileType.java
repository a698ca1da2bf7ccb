package io.millrace.tensors.format.gguf;

import io.millrace.tensors.GgufType;

/** The mixtures of block types that files are named after, numbered as {@code general.file_type}. */
public enum GgufFileType {
    F32(0, GgufType.F32),
    F16(1, GgufType.F16),
    BF16(32, GgufType.BF16),
    Q8_0(7, GgufType.Q8_0),
    Q4_0(2, GgufType.Q4_0),
    Q4_1(3, GgufType.Q4_1),
    Q5_0(8, GgufType.Q5_0),
    Q5_1(9, GgufType.Q5_1),
    Q2_K(10, GgufType.Q2_K),
    /** Smaller than {@link #Q2_K}; refused without an importance matrix. */
    Q2_K_S(21, GgufType.Q2_K),
    Q3_K_S(11, GgufType.Q3_K),
    Q3_K_M(12, GgufType.Q3_K),
    Q3_K_L(13, GgufType.Q3_K),
    Q4_K_S(14, GgufType.Q4_K),
    Q4_K_M(15, GgufType.Q4_K),
    Q5_K_S(16, GgufType.Q5_K),
    Q5_K_M(17, GgufType.Q5_K),
    Q6_K(18, GgufType.Q6_K),
    IQ4_NL(25, GgufType.IQ4_NL),
    IQ4_XS(30, GgufType.IQ4_XS),
    /** For checkpoints trained to three weights. */
    TQ2_0(37, GgufType.TQ2_0),
    /** Experts in MXFP4, the rest in Q8_0. */
    MXFP4_MOE(38, GgufType.MXFP4);

    private final int id;
    private final GgufType base;

    GgufFileType(int id, GgufType base) {
        this.id = id;
        this.base = base;
    }

    public int id() {
        return id;
    }

    /** The type of most matrices. */
    public GgufType base() {
        return base;
    }

    /** True for types that are refused without an importance matrix. */
    public boolean needsImportance() {
        return this == Q2_K_S;
    }

    /** True for types that store one number after the other, without blocks. */
    boolean plain() {
        return base.blockElements() == 1;
    }
}
