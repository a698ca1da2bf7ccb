package io.millrace.tensors.kernel.convert;

import io.millrace.tensors.DType;
import io.millrace.tensors.kernel.Lanes;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.VectorOperators;

/**
 * {@link Conversion#widen} from native memory straight into an array: vectors of floats into an array are compiled to
 * vector instructions, unlike vectors of integers into a segment over it.
 */
final class ArrayWidening {
    private static final int LANES = Lanes.INTS.length();

    private ArrayWidening() {}

    /** @param type F16 or BF16 */
    static void widen(DType type, MemorySegment file, float[] floats, int at, long count) {
        int elements = Math.toIntExact(count);
        if (type == DType.BF16) {
            bf16(file, floats, at, elements);
        } else {
            f16(file, floats, at, elements);
        }
    }

    private static void bf16(MemorySegment file, float[] floats, int at, int count) {
        int bound = count - count % LANES;
        for (int i = 0; i < bound; i += LANES) {
            Conversion.shorts(file, i)
                    .lanewise(VectorOperators.LSHL, 16)
                    .reinterpretAsFloats()
                    .intoArray(floats, at + i);
        }
        for (int i = bound; i < count; i++) {
            floats[at + i] = HalfFloats.fromBf16(file.get(Conversion.FILE_SHORT, 2L * i));
        }
    }

    private static void f16(MemorySegment file, float[] floats, int at, int count) {
        int bound = count - count % LANES;
        for (int i = 0; i < bound; i += LANES) {
            Conversion.wideF16(Conversion.shorts(file, i)).reinterpretAsFloats().intoArray(floats, at + i);
        }
        for (int i = bound; i < count; i++) {
            floats[at + i] = HalfFloats.fromF16(file.get(Conversion.FILE_SHORT, 2L * i));
        }
    }
}
