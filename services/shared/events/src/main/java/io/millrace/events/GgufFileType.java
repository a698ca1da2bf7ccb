package io.millrace.events;

import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;

/** The file types of GGUF, and what each asks of a model. */
enum GgufFileType {
    F32(Form.PLAIN),
    F16(Form.PLAIN),
    BF16(Form.PLAIN),
    Q8_0(Form.BLOCKS),
    Q4_0(Form.BLOCKS),
    Q4_1(Form.BLOCKS),
    Q5_0(Form.BLOCKS),
    Q5_1(Form.BLOCKS),
    Q2_K(Form.SUPER_BLOCKS),
    Q2_K_S(Form.SUPER_BLOCKS),
    Q3_K_S(Form.SUPER_BLOCKS),
    Q3_K_M(Form.SUPER_BLOCKS),
    Q3_K_L(Form.SUPER_BLOCKS),
    Q4_K_S(Form.SUPER_BLOCKS),
    Q4_K_M(Form.SUPER_BLOCKS),
    Q5_K_S(Form.SUPER_BLOCKS),
    Q5_K_M(Form.SUPER_BLOCKS),
    Q6_K(Form.SUPER_BLOCKS),
    IQ4_NL(Form.BLOCKS),
    IQ4_XS(Form.SUPER_BLOCKS),
    TQ2_0(Form.SUPER_BLOCKS),
    MXFP4_MOE(Form.BLOCKS);

    private final Form form;

    GgufFileType(Form form) {
        this.form = form;
    }

    private enum Form {
        PLAIN,
        BLOCKS,
        SUPER_BLOCKS
    }

    static Set<String> names() {
        return Arrays.stream(values()).map(GgufFileType::name).collect(Collectors.toUnmodifiableSet());
    }

    /** True if a file holds all matrices in this one type. */
    boolean plain() {
        return form == Form.PLAIN;
    }

    /** True if it is too coarse without an importance matrix. */
    boolean needsImportance() {
        return this == Q2_K_S;
    }

    int rowMultiple() {
        return form == Form.SUPER_BLOCKS ? 256 : 32;
    }
}
