package io.millrace.tensors.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vector width of this process: the processor's, or what {@code millrace.vector-bits} (128, 256, 512) says. It is a
 * constant because the compiler keeps vectors in registers only for a species it knows; results never depend on it.
 */
public final class Lanes {
    public static final VectorSpecies<Float> FLOATS = floats(Integer.getInteger("millrace.vector-bits", 0));
    public static final VectorSpecies<Integer> INTS =
            FLOATS.withLanes(int.class).check(int.class);
    /** Half as wide as {@link #INTS}: as many shorts as ints. */
    public static final VectorSpecies<Short> SHORTS =
            VectorSpecies.of(short.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));

    private Lanes() {}

    private static VectorSpecies<Float> floats(int bits) {
        return bits == 0
                ? atMost512(FloatVector.SPECIES_PREFERRED)
                : VectorSpecies.of(float.class, VectorShape.forBitSize(bits));
    }

    /** The kernels hold 16 columns; a wider vector would not divide them. A narrower one than 128 bits has no shorts. */
    private static VectorSpecies<Float> atMost512(VectorSpecies<Float> preferred) {
        int bits = preferred.vectorBitSize();
        if (bits > 512) {
            return FloatVector.SPECIES_512;
        }
        return bits < 128 ? FloatVector.SPECIES_128 : preferred;
    }
}
