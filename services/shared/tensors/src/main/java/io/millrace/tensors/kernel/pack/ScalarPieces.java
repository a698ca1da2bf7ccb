package io.millrace.tensors.kernel.pack;

/** The specification of {@link VectorPieces}: the same numbers, one weight at a time. */
final class ScalarPieces {
    private ScalarPieces() {}

    static void quantize(
            Code code,
            float[] weights,
            int from,
            int length,
            float scale,
            int zeroPoint,
            byte[] codes,
            RoundingLoss loss) {
        float[] errorColumns = new float[GroupFormat.COLUMNS];
        float[] valueColumns = new float[GroupFormat.COLUMNS];
        float maxError = 0;
        int zerosBefore = 0;
        int zerosAfter = 0;
        for (int i = from; i < from + length; i++) {
            float units = weights[i] / scale;
            // Adding the zero point 0 makes -0 a 0, as compressed-tensors has it.
            codes[i] = code.of(units + zeroPoint);
            float read = code.value(codes[i]) - zeroPoint;
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

    static float least(float[] weights, int from, int to) {
        float least = 0;
        for (int i = from; i < to; i++) {
            least = Math.min(least, weights[i]);
        }
        return least;
    }

    static float most(float[] weights, int from, int to) {
        float most = 0;
        for (int i = from; i < to; i++) {
            most = Math.max(most, weights[i]);
        }
        return most;
    }
}
