package io.millrace.tensors.kernel.pack;

/**
 * What rounding did to up to {@link GroupFormat#GROUP} weights that share a scale, in units of it. Squares are summed in
 * {@link GroupFormat#COLUMNS} columns, so that the sums do not depend on the vector width.
 */
final class LossColumns {
    final float[] errorSquares = new float[GroupFormat.COLUMNS];
    final float[] valueSquares = new float[GroupFormat.COLUMNS];
    private float maxError;
    private int zerosBefore;
    private int zerosAfter;

    /** @param maxErrorBits of the largest error: magnitudes have the order of their bits */
    void set(int maxErrorBits, int zerosBefore, int zerosAfter) {
        this.maxError = Float.intBitsToFloat(maxErrorBits);
        this.zerosBefore = zerosBefore;
        this.zerosAfter = zerosAfter;
    }

    /** @param padding zeros that were counted although they are no weights */
    void addTo(RoundingLoss loss, double scale, int padding) {
        double errors = 0;
        double values = 0;
        for (int column = 0; column < GroupFormat.COLUMNS; column++) {
            errors += errorSquares[column];
            values += valueSquares[column];
        }
        loss.add(
                errors * scale * scale,
                values * scale * scale,
                maxError * scale,
                zerosBefore - padding,
                zerosAfter - padding);
    }
}
