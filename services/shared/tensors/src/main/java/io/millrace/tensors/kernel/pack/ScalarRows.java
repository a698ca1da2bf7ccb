package io.millrace.tensors.kernel.pack;

/** The specification of {@link VectorRows}: the same numbers, one weight at a time. */
final class ScalarRows {
    private ScalarRows() {}

    /** Quantizes the row that begins at {@code start}; returns its stored scale. */
    static short quantize(RowFormat format, float[] weights, int start, int length, byte[] codes, RoundingLoss loss) {
        float largest = 0;
        for (int i = start; i < start + length; i++) {
            largest = Math.max(largest, Math.abs(weights[i]));
        }
        short stored = format.scale(largest);
        float scale = format.widened(stored);
        for (int from = start; from < start + length; from += VectorRows.PIECE) {
            piece(format, weights, from, Math.min(start + length, from + VectorRows.PIECE), scale, codes, loss);
        }
        return stored;
    }

    private static void piece(
            RowFormat format, float[] weights, int from, int to, float scale, byte[] codes, RoundingLoss loss) {
        float[] errorColumns = new float[GroupFormat.COLUMNS];
        float[] valueColumns = new float[GroupFormat.COLUMNS];
        float maxError = 0;
        int zerosBefore = 0;
        int zerosAfter = 0;
        for (int i = from; i < to; i++) {
            // compressed-tensors adds the zero point 0, which makes -0 a 0.
            float units = weights[i] / scale + 0f;
            codes[i] = format.code(units);
            float read = format.value(codes[i]);
            float error = units - read;
            int column = (i - from) % GroupFormat.COLUMNS;
            errorColumns[column] += error * error;
            valueColumns[column] += units * units;
            maxError = Math.max(maxError, Math.abs(error));
            zerosBefore += weights[i] == 0 ? 1 : 0;
            zerosAfter += read == 0 ? 1 : 0;
        }
        double errorSquares = 0;
        double valueSquares = 0;
        for (int column = 0; column < GroupFormat.COLUMNS; column++) {
            errorSquares += errorColumns[column];
            valueSquares += valueColumns[column];
        }
        double unit = scale;
        loss.add(errorSquares * unit * unit, valueSquares * unit * unit, maxError * unit, zerosBefore, zerosAfter);
    }
}
