package io.millrace.tensors.format.gguf;

import io.millrace.tensors.GgufType;

/** The mixtures of block types that files are named after, numbered as {@code general.file_type}. */
public enum GgufFileType {
    F32(0, GgufType.F32),
    F16(1, GgufType.F16),
    BF16(32, GgufType.BF16),
    Q8_0(7, GgufType.Q8_0),
    Q4_0(2, GgufType.Q4_0),
    Q4_K_M(15, GgufType.Q4_K),
    Q5_K_M(17, GgufType.Q5_K),
    Q6_K(18, GgufType.Q6_K);

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

    /** True for types that store one number after the other, without blocks. */
    boolean plain() {
        return base.blockElements() == 1;
    }
}
