package io.millrace.tensors.kernel.convert;

import io.millrace.tensors.DType;
import io.millrace.tensors.kernel.Lanes;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * {@link Conversion#widen} into an array, from a copy of each piece: a vector that is loaded from a mapped file ends the
 * process (SIGBUS) where the file was cut off meanwhile, but a copy ends in an {@link InternalError}. Vectors of floats
 * into an array are compiled to vector instructions, unlike vectors of integers into a segment over it.
 */
final class ArrayWidening {
    private static final int LANES = Lanes.INTS.length();
    /** 16 KiB: what is copied is still in the nearest cache when it is widened. */
    private static final int PIECE = 1 << 13;

    private ArrayWidening() {}

    /** @param type F16 or BF16 */
    static void widen(DType type, MemorySegment file, float[] floats, int at, int count) {
        short[] piece = new short[Math.min(count, PIECE)];
        for (int done = 0; done < count; done += PIECE) {
            int elements = Math.min(PIECE, count - done);
            MemorySegment.copy(file, Conversion.FILE_SHORT, (long) Short.BYTES * done, piece, 0, elements);
            if (type == DType.BF16) {
                bf16(piece, floats, at + done, elements);
            } else {
                f16(piece, floats, at + done, elements);
            }
        }
    }

    private static void bf16(short[] piece, float[] floats, int at, int count) {
        int bound = count - count % LANES;
        for (int i = 0; i < bound; i += LANES) {
            ints(piece, i)
                    .lanewise(VectorOperators.LSHL, 16)
                    .reinterpretAsFloats()
                    .intoArray(floats, at + i);
        }
        for (int i = bound; i < count; i++) {
            floats[at + i] = HalfFloats.fromBf16(piece[i]);
        }
    }

    private static void f16(short[] piece, float[] floats, int at, int count) {
        int bound = count - count % LANES;
        for (int i = 0; i < bound; i += LANES) {
            Conversion.wideF16(ints(piece, i)).reinterpretAsFloats().intoArray(floats, at + i);
        }
        for (int i = bound; i < count; i++) {
            floats[at + i] = HalfFloats.fromF16(piece[i]);
        }
    }

    private static IntVector ints(short[] piece, int from) {
        return (IntVector)
                ShortVector.fromArray(Lanes.SHORTS, piece, from).convertShape(VectorOperators.S2I, Lanes.INTS, 0);
    }
}
