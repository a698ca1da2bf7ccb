package io.millrace.tensors.kernel.pack;

/** The loss of weights that were only converted to another float type. */
public final class DenseLoss {
    private DenseLoss() {}

    /** Compares {@code count} weights with what a consumer reads, in order. */
    public static void measure(float[] weights, float[] read, int count, RoundingLoss loss) {
        double errorSquares = 0;
        double valueSquares = 0;
        double maxError = 0;
        long zerosBefore = 0;
        long zerosAfter = 0;
        for (int i = 0; i < count; i++) {
            double error = (double) weights[i] - read[i];
            errorSquares += error * error;
            valueSquares += (double) weights[i] * weights[i];
            maxError = Math.max(maxError, Math.abs(error));
            zerosBefore += weights[i] == 0 ? 1 : 0;
            zerosAfter += read[i] == 0 ? 1 : 0;
        }
        loss.add(errorSquares, valueSquares, maxError, zerosBefore, zerosAfter);
    }
}
