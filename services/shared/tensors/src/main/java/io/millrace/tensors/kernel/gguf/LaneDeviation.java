package io.millrace.tensors.kernel.gguf;

import static io.millrace.tensors.kernel.gguf.Deviation.COLUMNS;

import io.millrace.tensors.kernel.Lanes;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** {@link Deviation#scalar} with columns in lanes. */
final class LaneDeviation {
    private static final VectorSpecies<Float> S = Lanes.FLOATS;
    private static final VectorSpecies<Double> D = S.withLanes(double.class).check(double.class);

    /** What is read for one vector of columns before the next one reads the same lines of the cache. */
    private static final int TILE = 64 * COLUMNS;

    private final double[] squares = new double[COLUMNS];
    private final double[] errorSquares = new double[COLUMNS];
    private int maxErrorBits;
    private long zerosBefore;
    private long zerosAfter;

    private LaneDeviation() {}

    static Deviation measure(float[] before, float[] after, int count) {
        LaneDeviation sums = new LaneDeviation();
        int whole = count - count % COLUMNS;
        for (int from = 0; from < whole; from += TILE) {
            int to = Math.min(whole, from + TILE);
            for (int column = 0; column < COLUMNS; column += S.length()) {
                sums.addSquares(before, from + column, to, column);
                sums.addErrors(before, after, from + column, to, column);
            }
        }
        return sums.rest(before, after, whole, count);
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

    private Deviation rest(float[] before, float[] after, int from, int to) {
        Deviation whole = new Deviation(0, 0, Float.intBitsToFloat(maxErrorBits), zerosBefore, zerosAfter);
        return Deviation.continued(whole, squares, errorSquares, before, after, from, to);
    }
}
