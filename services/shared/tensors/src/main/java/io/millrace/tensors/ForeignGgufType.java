package io.millrace.tensors;

/** ggml types that other tools write: their size is known, so that a file can be shown, but nothing here reads their blocks. */
public enum ForeignGgufType implements BlockLayout {
    IQ2_XXS(16, 256, 66),
    IQ2_XS(17, 256, 74),
    IQ3_XXS(18, 256, 98),
    IQ1_S(19, 256, 50),
    IQ3_S(21, 256, 110),
    IQ2_S(22, 256, 82),
    I8(24, 1, 1),
    I16(25, 1, 2),
    I32(26, 1, 4),
    I64(27, 1, 8),
    F64(28, 1, 8),
    IQ1_M(29, 256, 56),
    TQ1_0(34, 256, 54),
    NVFP4(40, 64, 36),
    Q1_0(41, 128, 18);

    private final int id;
    private final int blockElements;
    private final int blockBytes;

    ForeignGgufType(int id, int blockElements, int blockBytes) {
        this.id = id;
        this.blockElements = blockElements;
        this.blockBytes = blockBytes;
    }

    @Override
    public int id() {
        return id;
    }

    @Override
    public int blockElements() {
        return blockElements;
    }

    @Override
    public int blockBytes() {
        return blockBytes;
    }
}
