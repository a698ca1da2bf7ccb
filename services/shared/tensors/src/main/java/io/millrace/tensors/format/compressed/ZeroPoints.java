package io.millrace.tensors.format.compressed;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Zero points as they lie in a file: a column of one group's zero points, row after row, is packed like a row of codes.
 *
 * <pre>
 * M.weight_zero_point  I32 [ceil(out * bits / 32), groups]   zero point + 2^(bits - 1) of row r at bit r * bits of its
 *                                                            column, low bits first; 0 past the last row
 * </pre>
 */
final class ZeroPoints {
    private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private ZeroPoints() {}

    /** Rows of weights whose zero points share a word. */
    static int rowsPerWord(int bits) {
        return Integer.SIZE / bits;
    }

    /** Packs zero points [rows, groups]. */
    static MemorySegment pack(byte[] zeroPoints, int groups, int bits) {
        int rows = zeroPoints.length / groups;
        int[] words = new int[Math.ceilDiv(rows, rowsPerWord(bits)) * groups];
        for (int row = 0; row < rows; row++) {
            int shift = row % rowsPerWord(bits) * bits;
            for (int group = 0; group < groups; group++) {
                int code = zeroPoints[row * groups + group] + (1 << (bits - 1));
                words[row / rowsPerWord(bits) * groups + group] |= code << shift;
            }
        }
        MemorySegment packed = MemorySegment.ofArray(new byte[words.length * Integer.BYTES]);
        for (int i = 0; i < words.length; i++) {
            packed.set(WORD, (long) i * Integer.BYTES, words[i]);
        }
        return packed;
    }
}
