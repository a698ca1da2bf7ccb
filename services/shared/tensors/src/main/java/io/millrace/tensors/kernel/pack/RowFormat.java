package io.millrace.tensors.kernel.pack;

import io.millrace.tensors.DType;

/**
 * Codes with one 16-bit scale per row, or per block of rows: weight = (code - zero point) * scale.
 *
 * @param symmetric whether the zero point is 0; else each row has its own, and codes are integers
 * @param scaleType BF16 or F16
 */
public record RowFormat(Code code, boolean symmetric, DType scaleType) {
    public RowFormat {
        if (code.floating() && !symmetric) {
            throw new IllegalArgumentException("found codes of " + code + " with zero points, expected integers");
        }
        if (scaleType != DType.BF16 && scaleType != DType.F16) {
            throw new IllegalArgumentException("found scales of " + scaleType + ", expected BF16 or F16");
        }
    }

    GroupScale scale(float least, float most) {
        return GroupScale.of(code, symmetric, scaleType, least, most);
    }
}
