package io.millrace.tensors.kernel.pack;

/** The specification of {@link VectorGroups}: the same numbers, one weight at a time. */
final class ScalarGroups {
    private ScalarGroups() {}

    /** Quantizes one group that begins at {@code start}; returns its scale. */
    static GroupScale quantize(
            GroupFormat format, float[] weights, int start, int[] words, int firstWord, RoundingLoss loss) {
        float least = 0;
        float most = 0;
        for (int i = 0; i < GroupFormat.GROUP; i++) {
            least = Math.min(least, weights[start + i]);
            most = Math.max(most, weights[start + i]);
        }
        GroupScale scale = format.scale(least, most);

        float[] errorColumns = new float[GroupFormat.COLUMNS];
        float[] valueColumns = new float[GroupFormat.COLUMNS];
        float maxError = 0;
        int zerosBefore = 0;
        int zerosAfter = 0;
        for (int i = 0; i < GroupFormat.GROUP; i++) {
            // In units of the scale no square overflows or vanishes, however large or small the weights are.
            float units = weights[start + i] / scale.value();
            int code = Math.clamp((int) Math.rint(units + scale.zeroPoint()), format.lowest(), format.highest());
            float error = units - (code - scale.zeroPoint());
            errorColumns[i % GroupFormat.COLUMNS] += error * error;
            valueColumns[i % GroupFormat.COLUMNS] += units * units;
            maxError = Math.max(maxError, Math.abs(error));
            zerosBefore += weights[start + i] == 0 ? 1 : 0;
            zerosAfter += code == scale.zeroPoint() ? 1 : 0;
            int word = firstWord + i / format.codesPerWord();
            int shift = i % format.codesPerWord() * format.bits();
            words[word] = (shift == 0 ? 0 : words[word]) | ((code - format.lowest()) << shift);
        }
        double errorSquares = 0;
        double valueSquares = 0;
        for (int column = 0; column < GroupFormat.COLUMNS; column++) {
            errorSquares += errorColumns[column];
            valueSquares += valueColumns[column];
        }
        double unit = scale.value();
        loss.add(errorSquares * unit * unit, valueSquares * unit * unit, maxError * unit, zerosBefore, zerosAfter);
        return scale;
    }
}
