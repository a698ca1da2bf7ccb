package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.kernel.Lanes;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** Bytes of a block as a vector of whole numbers, and whole numbers as weights: what all lane dequantizers share. */
final class LaneCodes {
    static final int LANES = Lanes.FLOATS.length();
    /** There is no vector of four bytes; processors with vectors that narrow use the scalar code. */
    static final boolean AVAILABLE = LANES >= 8;

    private static final VectorSpecies<Byte> BYTES =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, 8 * LANES)));

    private LaneCodes() {}

    /** b[at, at + LANES) with their signs. */
    static IntVector load(byte[] b, int at) {
        return ByteVector.fromArray(BYTES, b, at)
                .convertShape(VectorOperators.B2I, Lanes.INTS, 0)
                .reinterpretAsInts();
    }

    /** {@code mask} of each byte's bits from {@code shift} on. */
    static IntVector bits(IntVector bytes, int shift, int mask) {
        return bytes.lanewise(VectorOperators.LSHR, shift).and(mask);
    }

    /** Bit {@code from + lane} of a word, as 16 or 0: the fifth bit of a code. */
    static IntVector fifthBits(int word, int from, IntVector lanes) {
        return IntVector.broadcast(Lanes.INTS, word >>> from)
                .lanewise(VectorOperators.LSHR, lanes)
                .and(1)
                .lanewise(VectorOperators.LSHL, 4);
    }

    /** scale · code. */
    static FloatVector scaled(IntVector codes, float scale) {
        return ((FloatVector) codes.convertShape(VectorOperators.I2F, Lanes.FLOATS, 0)).mul(scale);
    }
}
