package io.millrace.events;

import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;

/** The schemes of compressed-tensors, and what each asks of a model. */
enum CompressedScheme {
    W4A16(128),
    W4A16_ASYM(128),
    W8A16(128),
    W4A16_CHANNEL(128),
    W4A16_ASYM_CHANNEL(128),
    W8A16_CHANNEL(128),
    FP8_DYNAMIC(16),
    FP8_BLOCK(128),
    W8A8(16),
    MXFP4(32),
    MXFP4A16(32),
    NVFP4A16(16);

    private final int rowMultiple;

    CompressedScheme(int rowMultiple) {
        this.rowMultiple = rowMultiple;
    }

    static Set<String> names() {
        return Arrays.stream(values()).map(CompressedScheme::name).collect(Collectors.toUnmodifiableSet());
    }

    int rowMultiple() {
        return rowMultiple;
    }
}
