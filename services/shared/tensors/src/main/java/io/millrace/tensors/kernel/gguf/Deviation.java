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
    public static final int COLUMNS = 16;

    /** Compares the first {@code count} numbers of two arrays. */
    public static Deviation measure(float[] before, float[] after, int count) {
        DeviationSums sums = new DeviationSums();
        sums.add(before, after, 0, count);
        return sums.deviation();
    }

    /** The specification of {@link #measure}. */
    static Deviation scalar(float[] before, float[] after, int count) {
        double[] squares = new double[COLUMNS];
        double[] errorSquares = new double[COLUMNS];
        float maxError = 0;
        int zerosBefore = 0;
        int zerosAfter = 0;
        for (int i = 0; i < count; i++) {
            float original = before[i];
            float stored = after[i];
            float error = original - stored;
            squares[i % COLUMNS] += (double) original * original;
            errorSquares[i % COLUMNS] += (double) error * error;
            maxError = Math.max(maxError, Math.abs(error));
            zerosBefore += original == 0 ? 1 : 0;
            zerosAfter += stored == 0 ? 1 : 0;
        }
        return new Deviation(sum(squares), sum(errorSquares), maxError, zerosBefore, zerosAfter);
    }

    static double sum(double[] columns) {
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
