package io.millrace.tensors.kernel.pack;

/** The specification of {@link VectorBlocks}: the same numbers, one weight at a time. */
final class ScalarBlocks {
    private ScalarBlocks() {}

    /** Quantizes the block whose upper left weight has this row and column; returns its stored scale. */
    static short quantize(
            RowFormat format,
            float[] weights,
            int rows,
            int rowLength,
            int firstRow,
            int firstColumn,
            byte[] codes,
            RoundingLoss loss) {
        int endRow = Math.min(rows, firstRow + VectorBlocks.SIDE);
        int columns = Math.min(VectorBlocks.SIDE, rowLength - firstColumn);
        float least = 0;
        float most = 0;
        for (int row = firstRow; row < endRow; row++) {
            int from = row * rowLength + firstColumn;
            least = Math.min(least, ScalarPieces.least(weights, from, from + columns));
            most = Math.max(most, ScalarPieces.most(weights, from, from + columns));
        }
        GroupScale scale = format.scale(least, most);
        for (int row = firstRow; row < endRow; row++) {
            int from = row * rowLength + firstColumn;
            ScalarPieces.quantize(format.code(), weights, from, columns, scale.value(), 0, codes, loss);
        }
        return scale.stored();
    }
}
