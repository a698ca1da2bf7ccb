package io.millrace.pruner.method;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Finds the k-th smallest magnitude of any number of weights exactly, in two passes over them and half a megabyte: the
 * bits of |w| order like the numbers, so the first pass counts by the upper 16 bits and the second by the lower 15 within
 * the one bucket that holds the answer.
 */
final class MagnitudeThreshold {
    private static final int LOW_BITS = 15;

    private final long[] high = new long[1 << 16];
    private final long[] low = new long[1 << LOW_BITS];
    private int bucket = -1;
    private long below;

    /** First pass: counts weights [n] f32. */
    void countHigh(MemorySegment weights, long elements) {
        for (long i = 0; i < elements; i++) {
            high[magnitudeBits(weights, i) >>> LOW_BITS]++;
        }
    }

    /** Between the passes: the {@code rank} smallest weights are wanted, at least one. */
    void choose(long rank) {
        long seen = 0;
        int candidate = 0;
        while (seen + high[candidate] < rank) {
            seen += high[candidate++];
        }
        bucket = candidate;
        below = seen;
    }

    /** Second pass: the same weights in any order. */
    void countLow(MemorySegment weights, long elements) {
        for (long i = 0; i < elements; i++) {
            int bits = magnitudeBits(weights, i);
            if (bits >>> LOW_BITS == bucket) {
                low[bits & ((1 << LOW_BITS) - 1)]++;
            }
        }
    }

    /** Every weight below the cut goes, and of those equal to it the first {@code ties}. */
    Cut cut(long rank) {
        long seen = below;
        int offset = 0;
        while (seen + low[offset] < rank) {
            seen += low[offset++];
        }
        return new Cut((bucket << LOW_BITS) | offset, rank - seen);
    }

    /**
     * Where to cut.
     *
     * @param magnitudeBits of the largest weight that goes
     * @param ties how many weights of exactly this magnitude go
     */
    record Cut(int magnitudeBits, long ties) {}

    static int magnitudeBits(MemorySegment weights, long index) {
        return weights.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, index) & 0x7fffffff;
    }
}
