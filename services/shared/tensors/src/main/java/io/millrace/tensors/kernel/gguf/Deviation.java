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

    /** Compares the first {@code count} numbers of two arrays, in order. */
    public static Deviation measure(float[] before, float[] after, int count) {
        double squares = 0;
        double errorSquares = 0;
        float maxError = 0;
        int zerosBefore = 0;
        int zerosAfter = 0;
        for (int i = 0; i < count; i++) {
            float original = before[i];
            float stored = after[i];
            float error = original - stored;
            squares += (double) original * original;
            errorSquares += (double) error * error;
            maxError = Math.max(maxError, Math.abs(error));
            zerosBefore += original == 0 ? 1 : 0;
            zerosAfter += stored == 0 ? 1 : 0;
        }
        return new Deviation(squares, errorSquares, maxError, zerosBefore, zerosAfter);
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
