package io.millrace.tensors.kernel.literature;

/**
 * Ternary weights: 0 up to a threshold, above it the sign, times the mean magnitude of those above it. The threshold is a
 * factor times the mean magnitude of the row; the paper's 0.7 lies between the best for uniformly distributed weights, 2/3,
 * and that for normally distributed ones, 0.75. (Li, Zhang and Liu, "Ternary weight networks", arXiv:1605.04711.)
 *
 * @param factor 0 makes every weight but 0 a sign
 */
public record ThresholdRows(double factor) implements RowRounding {
    public ThresholdRows {
        if (!(factor >= 0) || !Double.isFinite(factor)) {
            throw new IllegalArgumentException("found the threshold " + factor + ", expected a number from 0 on");
        }
    }

    @Override
    public CodeRange range() {
        return new CodeRange(2, -1, 1);
    }

    @Override
    public float round(float[] weights, int from, int length, byte[] codes) {
        double threshold = factor * SignRows.meanMagnitude(weights, from, length);
        double sum = 0;
        int above = 0;
        for (int i = from; i < from + length; i++) {
            float magnitude = Math.abs(weights[i]);
            if (magnitude > threshold) {
                sum += magnitude;
                above++;
                codes[i] = (byte) (weights[i] < 0 ? -1 : 1);
            } else {
                codes[i] = 0;
            }
        }
        return above == 0 ? 0 : (float) (sum / above);
    }
}
