package io.millrace.tensors.kernel.pack;

import io.millrace.tensors.DType;

/**
 * Integers in groups of {@link #GROUP} weights along a row, each group with one 16-bit scale: weight = (code - zero
 * point) * scale.
 *
 * @param bits 4 or 8
 * @param symmetric whether the zero point is 0; else each group has its own
 * @param scaleType BF16 or F16
 */
public record GroupFormat(int bits, boolean symmetric, DType scaleType) {
    public static final int GROUP = 128;

    /** Columns of a group whose squares are summed on their own, whatever the vector width: element index mod 16. */
    static final int COLUMNS = 16;

    public GroupFormat {
        if (bits != 4 && bits != 8) {
            throw new IllegalArgumentException("found " + bits + " bits, expected 4 or 8");
        }
        if (scaleType != DType.BF16 && scaleType != DType.F16) {
            throw new IllegalArgumentException("found scales of " + scaleType + ", expected BF16 or F16");
        }
    }

    int lowest() {
        return -(1 << (bits - 1));
    }

    int highest() {
        return (1 << (bits - 1)) - 1;
    }

    public int codesPerWord() {
        return Integer.SIZE / bits;
    }

    /** Bytes of codes in a row of whole groups. */
    public long packedRowBytes(long rowLength) {
        return rowLength / codesPerWord() * Integer.BYTES;
    }

    /** How a group is stored whose weights lie between {@code least} (at most 0) and {@code most} (at least 0). */
    GroupScale scale(float least, float most) {
        return GroupScale.of(bits == 4 ? Code.INT4 : Code.INT8, symmetric, scaleType, least, most);
    }
}
