package io.millrace.tensors.kernel.pack;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Round to nearest with one scale per row: it is rounded to its stored type first, then the row is rounded in {@link
 * VectorPieces}. One instance per thread.
 */
public final class VectorRows {
    private static final ValueLayout.OfShort FILE_SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final RowFormat format;
    private final VectorPieces pieces;

    public VectorRows(RowFormat format) {
        this.format = format;
        this.pieces = new VectorPieces(format.code());
    }

    /**
     * Quantizes whole rows of finite weights, as many as there are zero points.
     *
     * @param weights [rows, length] f32
     * @param codes [rows, length], one per byte
     * @param scales [rows] 16-bit floats little-endian, written from its start
     * @param zeroPoints [rows]
     */
    public void quantize(
            float[] weights, int length, byte[] codes, MemorySegment scales, byte[] zeroPoints, RoundingLoss loss) {
        for (int row = 0; row < zeroPoints.length; row++) {
            int start = row * length;
            int end = start + length;
            GroupScale scale = scale(weights, start, end);
            scales.set(FILE_SHORT, (long) row * Short.BYTES, scale.stored());
            zeroPoints[row] = (byte) scale.zeroPoint();
            for (int from = start; from < end; from += VectorPieces.LENGTH) {
                int count = Math.min(VectorPieces.LENGTH, end - from);
                pieces.quantize(weights, from, count, scale.value(), scale.zeroPoint(), codes, loss);
            }
        }
    }

    private GroupScale scale(float[] weights, int start, int end) {
        if (format.symmetric()) {
            float largest = LaneExtremes.magnitude(weights, start, end);
            return format.scale(-largest, largest);
        }
        return format.scale(LaneExtremes.least(weights, start, end), LaneExtremes.most(weights, start, end));
    }
}
