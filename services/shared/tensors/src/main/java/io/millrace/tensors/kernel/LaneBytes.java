package io.millrace.tensors.kernel;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** Whole numbers in lanes as the bytes of a file. */
public final class LaneBytes {
    /** There is no vector of four bytes. */
    private static final boolean AVAILABLE = Lanes.INTS.length() >= 8;

    private static final int LANES = Lanes.INTS.length();
    private static final VectorSpecies<Byte> BYTES =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, Byte.SIZE * LANES)));
    private static final VectorSpecies<Byte> PAIRS =
            Lanes.FLOATS.withLanes(byte.class).check(byte.class);
    private static final VectorSpecies<Byte> NIBBLES =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Lanes.FLOATS.vectorBitSize() / 2));

    private LaneBytes() {}

    /** The low bytes of numbers to bytes[at, at + as many). */
    public static void store(IntVector numbers, byte[] bytes, int at) {
        if (AVAILABLE) {
            numbers.convertShape(VectorOperators.I2B, BYTES, 0)
                    .reinterpretAsBytes()
                    .intoArray(bytes, at);
        } else {
            for (int i = 0; i < LANES; i++) {
                bytes[at + i] = (byte) numbers.lane(i);
            }
        }
    }

    /** Packs {@code count} codes from 0 to 15, an even number, in pairs from packed[at] on: the first of a pair in the low half of a byte. */
    public static void packNibbles(byte[] codes, int count, byte[] packed, int at) {
        int bound = PAIRS.loopBound(count);
        for (int i = 0; i < bound; i += PAIRS.length()) {
            ShortVector pairs = ByteVector.fromArray(PAIRS, codes, i).reinterpretAsShorts();
            pairs.or(pairs.lanewise(VectorOperators.LSHR, 4))
                    .convertShape(VectorOperators.S2B, NIBBLES, 0)
                    .reinterpretAsBytes()
                    .intoArray(packed, at + i / 2);
        }
        for (int i = bound; i < count; i += 2) {
            packed[at + i / 2] = (byte) (codes[i] | (codes[i + 1] << 4));
        }
    }
}
