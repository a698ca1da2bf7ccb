package io.millrace.tensors.kernel.pack;

import io.millrace.tensors.DType;
import io.millrace.tensors.kernel.convert.Float8;

/**
 * One byte per weight and one 16-bit scale per row: weight = code * scale, the zero point is 0.
 *
 * @param codeType I8 or F8_E4M3
 * @param scaleType BF16 or F16
 */
public record RowFormat(DType codeType, DType scaleType) {
    static final int LOWEST_INTEGER = -128;
    static final int HIGHEST_INTEGER = 127;

    public RowFormat {
        if (codeType != DType.I8 && codeType != DType.F8_E4M3) {
            throw new IllegalArgumentException("found codes of " + codeType + ", expected I8 or F8_E4M3");
        }
        if (scaleType != DType.BF16 && scaleType != DType.F16) {
            throw new IllegalArgumentException("found scales of " + scaleType + ", expected BF16 or F16");
        }
    }

    /** The stored scale of a row, as compressed-tensors decides it: half the codes' range spans the largest weight. */
    short scale(float largestMagnitude) {
        float reach = codeType == DType.I8 ? (HIGHEST_INTEGER - LOWEST_INTEGER) / 2f : Float8.LARGEST;
        return StoredScale.of(largestMagnitude / reach, scaleType);
    }

    float widened(short storedScale) {
        return StoredScale.widened(storedScale, scaleType);
    }

    /** The code nearest to a weight in units of its scale. */
    byte code(float units) {
        return codeType == DType.I8
                ? (byte) Math.clamp((int) Math.rint(units), LOWEST_INTEGER, HIGHEST_INTEGER)
                : Float8.toE4m3(units);
    }

    float value(byte code) {
        return codeType == DType.I8 ? code : Float8.fromE4m3(code);
    }
}
