package io.millrace.tensors.kernel.convert;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.millrace.tensors.DType;
import io.millrace.tensors.kernel.Lanes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * Widens file elements (little-endian F32, F16, BF16) to F32 in native order and narrows them back, as {@link
 * HalfFloats} does, many at a time. Source and destination must not overlap.
 */
public final class Conversion {
    static final ValueLayout.OfShort FILE_SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    private static final ValueLayout.OfInt FILE_INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    private static final ByteOrder NATIVE = ByteOrder.nativeOrder();
    private static final int LANES = Lanes.INTS.length();
    private static final int CHUNK = 1 << 14;
    private static final int INFINITE_BITS = 0x7f800000;

    private Conversion() {}

    /** Widens {@code count} elements of {@code type} at the start of {@code file} to the start of {@code floats}. */
    public static void widen(DType type, MemorySegment file, MemorySegment floats, long count) {
        switch (type) {
            case F32 -> copyF32(file, floats, count);
            case BF16, F16 -> widenHalves(type, file, floats, count);
            case F8_E4M3, F8_E5M2, I64, I32, I16, I8, U8, BOOL ->
                throw new IllegalArgumentException(type + " is not a type of weights, expected F32, F16 or BF16");
        }
    }

    /** Narrows {@code count} floats to {@code type} at the start of {@code file}. */
    public static void narrow(DType type, MemorySegment floats, MemorySegment file, long count) {
        switch (type) {
            case F32 -> copyF32(floats, file, count);
            case BF16 -> outsideTheHeap(Conversion::narrowBf16, floats, Float.BYTES, file, Short.BYTES, count);
            case F16 -> outsideTheHeap(Conversion::narrowF16, floats, Float.BYTES, file, Short.BYTES, count);
            case F8_E4M3, F8_E5M2, I64, I32, I16, I8, U8, BOOL ->
                throw new IllegalArgumentException(type + " is not a type of weights, expected F32, F16 or BF16");
        }
    }

    private static void widenHalves(DType type, MemorySegment file, MemorySegment floats, long count) {
        if (floats.heapBase().orElse(null) instanceof float[] array) {
            ArrayWidening.widen(
                    type, file, array, Math.toIntExact(floats.address() / Float.BYTES), Math.toIntExact(count));
            return;
        }
        float[] piece = new float[Math.toIntExact(Math.min(count, CHUNK))];
        for (long done = 0; done < count; done += CHUNK) {
            int elements = Math.toIntExact(Math.min(CHUNK, count - done));
            ArrayWidening.widen(type, file.asSlice(done * Short.BYTES), piece, 0, elements);
            MemorySegment.copy(
                    MemorySegment.ofArray(piece), 0, floats, done * Float.BYTES, (long) elements * Float.BYTES);
        }
    }

    private interface Loop {
        void run(MemorySegment from, MemorySegment to, long count);
    }

    /**
     * Runs a loop on native memory, through a copy where a segment lies in the heap: short or int vectors on a segment
     * over {@code float[]} are not compiled to vector instructions (measured: 70 instead of 6,400 million elements a
     * second).
     */
    private static void outsideTheHeap(
            Loop loop, MemorySegment from, int fromBytes, MemorySegment to, int toBytes, long count) {
        if (from.isNative() && to.isNative()) {
            loop.run(from, to, count);
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment source = arena.allocate((long) CHUNK * fromBytes, Long.BYTES);
            MemorySegment target = arena.allocate((long) CHUNK * toBytes, Long.BYTES);
            for (long done = 0; done < count; done += CHUNK) {
                long piece = Math.min(CHUNK, count - done);
                MemorySegment.copy(from, done * fromBytes, source, 0, piece * fromBytes);
                loop.run(source, target, piece);
                MemorySegment.copy(target, 0, to, done * toBytes, piece * toBytes);
            }
        }
    }

    private static void copyF32(MemorySegment from, MemorySegment to, long count) {
        long bytes = Math.multiplyExact(count, (long) Float.BYTES);
        MemorySegment.copy(from, 0, to, 0, bytes);
        if (NATIVE != LITTLE_ENDIAN) {
            for (long i = 0; i < bytes; i += Float.BYTES) {
                to.set(FILE_INT, i, Integer.reverseBytes(to.get(FILE_INT, i)));
            }
        }
    }

    /** The bits of F32 numbers from those of F16. */
    static IntVector wideF16(IntVector bits) {
        IntVector sign = bits.lanewise(VectorOperators.AND, 0x8000).lanewise(VectorOperators.LSHL, 16);
        IntVector magnitude = bits.lanewise(VectorOperators.AND, 0x7fff);
        IntVector shifted = magnitude.lanewise(VectorOperators.LSHL, 13);
        IntVector finite = shifted.reinterpretAsFloats().mul(0x1p112f).reinterpretAsInts();
        VectorMask<Integer> special = magnitude.compare(VectorOperators.GE, 0x7c00);
        return finite.blend(shifted.lanewise(VectorOperators.OR, 0x7f800000), special)
                .lanewise(VectorOperators.OR, sign);
    }

    private static void narrowBf16(MemorySegment floats, MemorySegment file, long count) {
        long bound = count - count % LANES;
        for (long i = 0; i < bound; i += LANES) {
            IntVector bits = IntVector.fromMemorySegment(Lanes.INTS, floats, i << 2, NATIVE);
            IntVector high = bits.lanewise(VectorOperators.LSHR, 16);
            IntVector rounded =
                    bits.add(high.lanewise(VectorOperators.AND, 1)).add(0x7fff).lanewise(VectorOperators.LSHR, 16);
            VectorMask<Integer> nan =
                    bits.lanewise(VectorOperators.AND, 0x7fffffff).compare(VectorOperators.GT, 0x7f800000);
            store(rounded.blend(high.lanewise(VectorOperators.OR, 0x40), nan), file, i);
        }
        for (long i = bound; i < count; i++) {
            file.set(FILE_SHORT, i << 1, HalfFloats.toBf16(getFloat(floats, i)));
        }
    }

    private static void narrowF16(MemorySegment floats, MemorySegment file, long count) {
        long bound = count - count % LANES;
        for (long i = 0; i < bound; i += LANES) {
            IntVector bits = IntVector.fromMemorySegment(Lanes.INTS, floats, i << 2, NATIVE);
            IntVector sign = bits.lanewise(VectorOperators.LSHR, 16).lanewise(VectorOperators.AND, 0x8000);
            store(
                    narrowMagnitude(bits.lanewise(VectorOperators.AND, 0x7fffffff))
                            .or(sign),
                    file,
                    i);
        }
        for (long i = bound; i < count; i++) {
            file.set(FILE_SHORT, i << 1, HalfFloats.toF16(getFloat(floats, i)));
        }
    }

    private static IntVector narrowMagnitude(IntVector magnitude) {
        IntVector high = magnitude.lanewise(VectorOperators.LSHR, 13);
        IntVector normal = magnitude
                .add(high.lanewise(VectorOperators.AND, 1))
                .add(0xfff - 0x38000000)
                .lanewise(VectorOperators.LSHR, 13);
        IntVector subnormal =
                magnitude.reinterpretAsFloats().add(0.5f).reinterpretAsInts().sub(0x3f000000);
        IntVector nan = high.lanewise(VectorOperators.AND, 0x3ff).lanewise(VectorOperators.OR, 0x7e00);
        return normal.blend(subnormal, magnitude.compare(VectorOperators.LT, 0x38800000))
                .blend(0x7c00, magnitude.compare(VectorOperators.GE, 0x47800000))
                .blend(nan, magnitude.compare(VectorOperators.GT, 0x7f800000));
    }

    private static void store(IntVector values, MemorySegment file, long index) {
        values.convertShape(VectorOperators.I2S, Lanes.SHORTS, 0)
                .reinterpretAsShorts()
                .intoMemorySegment(file, index << 1, LITTLE_ENDIAN);
    }

    private static float getFloat(MemorySegment floats, long index) {
        return floats.get(ValueLayout.JAVA_FLOAT_UNALIGNED, index << 2);
    }

    /** Index of the first NaN or infinity among {@code count} floats, -1 if all are finite. */
    public static long firstNonFinite(MemorySegment floats, long count) {
        for (long from = 0; from < count; from += CHUNK) {
            long to = Math.min(count, from + CHUNK);
            long whole = to - (to - from) % LANES;
            long suspect = largestBits(floats, from, whole) < INFINITE_BITS ? whole : from;
            for (long i = suspect; i < to; i++) {
                if (!Float.isFinite(getFloat(floats, i))) {
                    return i;
                }
            }
        }
        return -1;
    }

    /** Bits of the largest magnitude in whole vectors: magnitudes have the order of their bits, NaN beyond infinity. */
    private static int largestBits(MemorySegment floats, long from, long to) {
        IntVector largest = IntVector.zero(Lanes.INTS);
        for (long i = from; i < to; i += LANES) {
            IntVector bits = FloatVector.fromMemorySegment(Lanes.FLOATS, floats, i << 2, NATIVE)
                    .reinterpretAsInts();
            largest = largest.max(bits.and(Integer.MAX_VALUE));
        }
        return largest.reduceLanes(VectorOperators.MAX);
    }
}
