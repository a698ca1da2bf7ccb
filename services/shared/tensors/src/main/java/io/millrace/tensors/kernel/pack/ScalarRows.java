package io.millrace.tensors.kernel.pack;

/** The specification of {@link VectorRows}: the same numbers, one weight at a time. */
final class ScalarRows {
    private ScalarRows() {}

    /** Quantizes the row that begins at {@code start}; returns its scale. */
    static GroupScale quantize(
            RowFormat format, float[] weights, int start, int length, byte[] codes, RoundingLoss loss) {
        int end = start + length;
        GroupScale scale =
                format.scale(ScalarPieces.least(weights, start, end), ScalarPieces.most(weights, start, end));
        for (int from = start; from < end; from += VectorPieces.LENGTH) {
            ScalarPieces.quantize(
                    format.code(),
                    weights,
                    from,
                    Math.min(VectorPieces.LENGTH, end - from),
                    scale.value(),
                    scale.zeroPoint(),
                    codes,
                    loss);
        }
        return scale;
    }
}
