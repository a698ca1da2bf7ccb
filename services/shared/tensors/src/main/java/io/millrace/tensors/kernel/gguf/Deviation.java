package io.millrace.tensors.kernel.gguf;

/**
 * How far numbers moved when they were stored in fewer bits.
 *
 * @param squares sum of the squares of the originals
 * @param errorSquares sum of the squares of the differences
 * @param maxError largest difference
 */
public record Deviation(double squares, double errorSquares, double maxError, long zerosBefore, long zerosAfter) {
    public static final Deviation NONE = new Deviation(0, 0, 0, 0, 0);

    /** Numbers whose squares are summed together: those with the same index mod 16, whatever the vector width. */
    static final int COLUMNS = 16;

    /** Compares the first {@code count} numbers of two arrays. */
    public static Deviation measure(float[] before, float[] after, int count) {
        return LaneDeviation.measure(before, after, count);
    }

    /** The specification of {@link #measure}. */
    static Deviation scalar(float[] before, float[] after, int count) {
        return continued(NONE, new double[COLUMNS], new double[COLUMNS], before, after, 0, count);
    }

    /** Adds before[from, to) to what was found up to there, of which the squares are still in columns. */
    static Deviation continued(
            Deviation found, double[] squares, double[] errorSquares, float[] before, float[] after, int from, int to) {
        float maxError = (float) found.maxError();
        int zerosBefore = 0;
        int zerosAfter = 0;
        for (int i = from; i < to; i++) {
            float original = before[i];
            float stored = after[i];
            float error = original - stored;
            squares[i % COLUMNS] += (double) original * original;
            errorSquares[i % COLUMNS] += (double) error * error;
            maxError = Math.max(maxError, Math.abs(error));
            zerosBefore += original == 0 ? 1 : 0;
            zerosAfter += stored == 0 ? 1 : 0;
        }
        return new Deviation(
                sum(squares),
                sum(errorSquares),
                maxError,
                found.zerosBefore() + zerosBefore,
                found.zerosAfter() + zerosAfter);
    }

    private static double sum(double[] columns) {
        double sum = 0;
        for (double column : columns) {
            sum += column;
        }
        return sum;
    }

    public Deviation plus(Deviation other) {
        return new Deviation(
                squares + other.squares,
                errorSquares + other.errorSquares,
                Math.max(maxError, other.maxError),
                zerosBefore + other.zerosBefore,
                zerosAfter + other.zerosAfter);
    }

    /** ||before − after|| / ||before||, 0 for zeros. */
    public double relativeError() {
        return squares == 0 ? 0 : Math.sqrt(errorSquares / squares);
    }
}
