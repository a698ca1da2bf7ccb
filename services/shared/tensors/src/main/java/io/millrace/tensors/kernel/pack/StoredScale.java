package io.millrace.tensors.kernel.pack;

import io.millrace.tensors.DType;
import io.millrace.tensors.kernel.convert.HalfFloats;

/** Scales as a file holds them: BF16 or F16. */
final class StoredScale {
    private StoredScale() {}

    /** Rounded to the type of the scales; where that is 0, the type's epsilon. */
    static short of(float scale, DType type) {
        short stored = type == DType.BF16 ? HalfFloats.toBf16(scale) : HalfFloats.toF16(scale);
        if (stored != 0) {
            return stored;
        }
        return type == DType.BF16 ? HalfFloats.toBf16(0x1p-7f) : HalfFloats.toF16(0x1p-10f);
    }

    static float widened(short stored, DType type) {
        return type == DType.BF16 ? HalfFloats.fromBf16(stored) : HalfFloats.fromF16(stored);
    }
}
