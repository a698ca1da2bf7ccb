package io.millrace.tensors.kernel.gguf;

import static io.millrace.tensors.kernel.gguf.Deviation.COLUMNS;

import io.millrace.tensors.kernel.Lanes;
import java.util.Objects;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** {@link Deviation#scalar} with columns in lanes, piece by piece while a piece is in the cache. */
public final class DeviationSums {
    private static final VectorSpecies<Float> S = Lanes.FLOATS;
    private static final VectorSpecies<Double> D = S.withLanes(double.class).check(double.class);

    /** What is read for one vector of columns before the next one reads the same lines of the cache. */
    private static final int TILE = 64 * COLUMNS;

    private final double[] squares = new double[COLUMNS];
    private final double[] errorSquares = new double[COLUMNS];
    private int maxErrorBits;
    private long zerosBefore;
    private long zerosAfter;

    /** Adds before[from, to) and what became of it; each piece begins where the last ended, with column 0. */
    public void add(float[] before, float[] after, int from, int to) {
        Objects.checkFromToIndex(from, to, Math.min(before.length, after.length));
        if (from % COLUMNS != 0) {
            throw new IllegalArgumentException("a piece begins at " + from + ", no multiple of " + COLUMNS);
        }
        int whole = to - to % COLUMNS;
        for (int begin = from; begin < whole; begin += TILE) {
            int end = Math.min(whole, begin + TILE);
            for (int column = 0; column < COLUMNS; column += S.length()) {
                addSquares(before, begin + column, end, column);
                addErrors(before, after, begin + column, end, column);
            }
        }
        for (int i = whole; i < to; i++) {
            add(before[i], after[i], i % COLUMNS);
        }
    }

    private void add(float original, float stored, int column) {
        float error = original - stored;
        squares[column] += (double) original * original;
        errorSquares[column] += (double) error * error;
        maxErrorBits = Math.max(maxErrorBits, Float.floatToRawIntBits(error) & Integer.MAX_VALUE);
        zerosBefore += original == 0 ? 1 : 0;
        zerosAfter += stored == 0 ? 1 : 0;
    }

    public Deviation deviation() {
        return new Deviation(
                Deviation.sum(squares),
                Deviation.sum(errorSquares),
                Float.intBitsToFloat(maxErrorBits),
                zerosBefore,
                zerosAfter);
    }

    private void addSquares(float[] before, int from, int to, int column) {
        DoubleVector low = DoubleVector.fromArray(D, squares, column);
        DoubleVector high = DoubleVector.fromArray(D, squares, column + D.length());
        int zeros = 0;
        for (int i = from; i < to; i += COLUMNS) {
            FloatVector value = FloatVector.fromArray(S, before, i);
            DoubleVector first = (DoubleVector) value.convertShape(VectorOperators.F2D, D, 0);
            DoubleVector second = (DoubleVector) value.convertShape(VectorOperators.F2D, D, 1);
            low = low.add(first.mul(first));
            high = high.add(second.mul(second));
            zeros += value.compare(VectorOperators.EQ, 0f).trueCount();
        }
        low.intoArray(squares, column);
        high.intoArray(squares, column + D.length());
        zerosBefore += zeros;
    }

    private void addErrors(float[] before, float[] after, int from, int to, int column) {
        DoubleVector low = DoubleVector.fromArray(D, errorSquares, column);
        DoubleVector high = DoubleVector.fromArray(D, errorSquares, column + D.length());
        // Magnitudes have the order of their bits.
        IntVector most = IntVector.broadcast(Lanes.INTS, maxErrorBits);
        int zeros = 0;
        for (int i = from; i < to; i += COLUMNS) {
            FloatVector stored = FloatVector.fromArray(S, after, i);
            FloatVector error = FloatVector.fromArray(S, before, i).sub(stored);
            DoubleVector first = (DoubleVector) error.convertShape(VectorOperators.F2D, D, 0);
            DoubleVector second = (DoubleVector) error.convertShape(VectorOperators.F2D, D, 1);
            low = low.add(first.mul(first));
            high = high.add(second.mul(second));
            most = most.max(error.reinterpretAsInts().and(Integer.MAX_VALUE));
            zeros += stored.compare(VectorOperators.EQ, 0f).trueCount();
        }
        low.intoArray(errorSquares, column);
        high.intoArray(errorSquares, column + D.length());
        maxErrorBits = most.reduceLanes(VectorOperators.MAX);
        zerosAfter += zeros;
    }
}
