package io.millrace.tensors.kernel.pack;

import io.millrace.tensors.kernel.LaneBytes;
import io.millrace.tensors.kernel.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Rounds weights that share a scale to integers from {@code lowest} to {@code highest}: they are divided by it (no
 * reciprocal), the zero point is added, and the sum is rounded half to even and clamped.
 *
 * @param base what the stored code 0 stands for
 */
record VectorIntegers(int lowest, int highest, int base) {
    private static final int LANES = Lanes.FLOATS.length();

    /** @param length a multiple of {@link GroupFormat#COLUMNS} */
    void round(
            float[] weights,
            int from,
            int length,
            float scale,
            int zeroPoint,
            byte[] codes,
            int at,
            LossColumns columns) {
        FloatVector divisor = FloatVector.broadcast(Lanes.FLOATS, scale);
        IntVector most = IntVector.zero(Lanes.INTS);
        int zerosBefore = 0;
        int zerosAfter = 0;
        for (int column = 0; column < GroupFormat.COLUMNS; column += LANES) {
            FloatVector errors = FloatVector.zero(Lanes.FLOATS);
            FloatVector values = errors;
            for (int i = column; i < length; i += GroupFormat.COLUMNS) {
                FloatVector weight = FloatVector.fromArray(Lanes.FLOATS, weights, from + i);
                FloatVector unit = weight.div(divisor);
                IntVector code =
                        LaneIntegers.nearest(unit.add(zeroPoint)).max(lowest).min(highest);
                LaneBytes.store(code.sub(base), codes, at + i);
                FloatVector read = LaneIntegers.floats(code.sub(zeroPoint));
                FloatVector error = unit.sub(read);
                errors = errors.add(error.mul(error));
                values = values.add(unit.mul(unit));
                most = most.max(error.reinterpretAsInts().and(Integer.MAX_VALUE));
                zerosBefore += weight.compare(VectorOperators.EQ, 0f).trueCount();
                zerosAfter += read.compare(VectorOperators.EQ, 0f).trueCount();
            }
            errors.intoArray(columns.errorSquares, column);
            values.intoArray(columns.valueSquares, column);
        }
        columns.set(most.reduceLanes(VectorOperators.MAX), zerosBefore, zerosAfter);
    }
}
