package io.millrace.tensors.format.literature;

import io.millrace.tensors.kernel.literature.CodeRange;

/**
 * A row of codes as bytes: the code that is number {@code n} of its range lies at bit {@code column * bits} of the row, low
 * bits first; 0 fills the last byte.
 */
final class PackedCodes {
    private PackedCodes() {}

    static long rowBytes(long rowLength, CodeRange range) {
        return Math.ceilDiv(Math.multiplyExact(rowLength, (long) range.bits()), (long) Byte.SIZE);
    }

    /** Packs whole rows. */
    static byte[] pack(byte[] codes, int rowLength, CodeRange range) {
        int rows = codes.length / rowLength;
        int rowBytes = Math.toIntExact(rowBytes(rowLength, range));
        byte[] packed = new byte[Math.multiplyExact(rows, rowBytes)];
        for (int row = 0; row < rows; row++) {
            pack(codes, row * rowLength, rowLength, range, packed, row * rowBytes);
        }
        return packed;
    }

    private static void pack(byte[] codes, int from, int length, CodeRange range, byte[] packed, int at) {
        int waiting = 0;
        int waitingBits = 0;
        int next = at;
        for (int i = from; i < from + length; i++) {
            waiting |= range.index(codes[i]) << waitingBits;
            waitingBits += range.bits();
            while (waitingBits >= Byte.SIZE) {
                packed[next++] = (byte) waiting;
                waiting >>>= Byte.SIZE;
                waitingBits -= Byte.SIZE;
            }
        }
        if (waitingBits > 0) {
            packed[next] = (byte) waiting;
        }
    }
}
