package io.millrace.tensors.kernel.pack;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Round to nearest with one scale per block of {@value #SIDE} rows and columns, less at the edges: it is rounded to its
 * stored type first, then each row of the block is rounded in {@link VectorPieces}. One instance per thread.
 */
public final class VectorBlocks {
    public static final int SIDE = 128;

    private static final ValueLayout.OfShort FILE_SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final RowFormat format;
    private final VectorPieces pieces;

    public VectorBlocks(RowFormat format) {
        if (!format.symmetric()) {
            throw new IllegalArgumentException("found blocks with zero points, expected none");
        }
        this.format = format;
        this.pieces = new VectorPieces(format.code());
    }

    /**
     * Quantizes rows of finite weights, the first of which begins a block.
     *
     * @param weights [rows, length] f32
     * @param codes [rows, length], one per byte
     * @param scales [rows / SIDE, length / SIDE], both rounded up, 16-bit floats little-endian, written from its start
     */
    public void quantize(float[] weights, int rows, int length, byte[] codes, MemorySegment scales, RoundingLoss loss) {
        long offset = 0;
        for (int row = 0; row < rows; row += SIDE) {
            for (int column = 0; column < length; column += SIDE) {
                int endRow = Math.min(rows, row + SIDE);
                int columns = Math.min(SIDE, length - column);
                scales.set(FILE_SHORT, offset, block(weights, row, endRow, length, column, columns, codes, loss));
                offset += Short.BYTES;
            }
        }
    }

    private short block(
            float[] weights,
            int firstRow,
            int endRow,
            int length,
            int firstColumn,
            int columns,
            byte[] codes,
            RoundingLoss loss) {
        float largest = 0;
        for (int row = firstRow; row < endRow; row++) {
            int from = row * length + firstColumn;
            largest = Math.max(largest, LaneExtremes.magnitude(weights, from, from + columns));
        }
        GroupScale scale = format.scale(-largest, largest);
        for (int row = firstRow; row < endRow; row++) {
            pieces.quantize(weights, row * length + firstColumn, columns, scale.value(), 0, codes, loss);
        }
        return scale.stored();
    }
}
