package io.millrace.tensors.kernel.pack;

import io.millrace.tensors.DType;
import io.millrace.tensors.kernel.convert.HalfFloats;

/**
 * Symmetric integers in groups of {@link #GROUP} weights along a row, each group with one 16-bit scale.
 *
 * @param bits 4 or 8
 * @param scaleType BF16 or F16
 */
public record GroupFormat(int bits, DType scaleType) {
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

    /**
     * The scale as it is stored: largest magnitude / ((highest − lowest) / 2), rounded to its type; where that is 0, the
     * type's epsilon, as compressed-tensors does.
     */
    short storedScale(float largest) {
        float scale = largest / ((highest() - lowest()) / 2f);
        short stored = scaleType == DType.BF16 ? HalfFloats.toBf16(scale) : HalfFloats.toF16(scale);
        if (stored != 0) {
            return stored;
        }
        return scaleType == DType.BF16 ? HalfFloats.toBf16(0x1p-7f) : HalfFloats.toF16(0x1p-10f);
    }

    float widened(short storedScale) {
        return scaleType == DType.BF16 ? HalfFloats.fromBf16(storedScale) : HalfFloats.fromF16(storedScale);
    }
}
