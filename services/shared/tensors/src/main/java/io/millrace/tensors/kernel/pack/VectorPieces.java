package io.millrace.tensors.kernel.pack;

import io.millrace.tensors.kernel.LaneBytes;
import io.millrace.tensors.kernel.Lanes;
import io.millrace.tensors.kernel.convert.Float4;
import io.millrace.tensors.kernel.convert.Float8;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * Rounds up to {@value #LENGTH} neighbouring weights that share a scale: they are divided by it (no reciprocal), the zero
 * point is added, and the sum is rounded half to even to the nearest code. One instance per thread.
 */
final class VectorPieces {
    /** Weights whose squares are summed together, as in a group of {@link VectorGroups}. */
    static final int LENGTH = GroupFormat.GROUP;

    private static final int LANES = Lanes.FLOATS.length();

    /** Adding and subtracting it rounds half to even while the magnitude is below 2^22; here it is below 2^8. */
    private static final float ROUNDER = 12582912f;

    private final Code code;
    private final float[] units = new float[LENGTH];
    private final float[] read = new float[LENGTH];
    private final byte[] bytes = new byte[LENGTH];
    private final float[] columns = new float[3 * GroupFormat.COLUMNS];
    private final float[] lanes = new float[LANES];

    VectorPieces(Code code) {
        this.code = code;
    }

    /** The codes of {@code length} weights go to the same places of {@code codes}. */
    void quantize(float[] weights, int from, int length, float scale, int zeroPoint, byte[] codes, RoundingLoss loss) {
        // Filled up to whole columns with zeros, which add nothing to the sums.
        int filled = Math.ceilDiv(length, GroupFormat.COLUMNS) * GroupFormat.COLUMNS;
        System.arraycopy(weights, from, units, 0, length);
        Arrays.fill(units, length, filled, 0);
        int padding = filled - length;
        int zerosBefore = zeros(units, filled) - padding;
        divide(units, filled, scale);
        switch (code) {
            case INT4, INT8 -> integers(units, filled, zeroPoint, code.lowest(), code.highest(), bytes, read);
            case E2M1 -> floats(units, filled, 4, 22, 1f, 0x1p22f, Float4.LARGEST, bytes, read);
            case E4M3 -> floats(units, filled, 8, 20, 0x1p-6f, 0x1p14f, Float8.LARGEST, bytes, read);
        }
        System.arraycopy(bytes, 0, codes, from, length);
        measure(units, read, filled, columns);
        report(scale, zerosBefore, zeros(read, filled) - padding, loss);
    }

    /** The least of some weights, or 0. */
    float least(float[] weights, int from, int to) {
        FloatVector least = FloatVector.zero(Lanes.FLOATS);
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            least = least.min(FloatVector.fromArray(Lanes.FLOATS, weights, i));
        }
        least.intoArray(lanes, 0);
        return Math.min(ScalarPieces.least(lanes, 0, LANES), ScalarPieces.least(weights, i, to));
    }

    /** The largest of some weights, or 0. */
    float most(float[] weights, int from, int to) {
        FloatVector most = FloatVector.zero(Lanes.FLOATS);
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            most = most.max(FloatVector.fromArray(Lanes.FLOATS, weights, i));
        }
        most.intoArray(lanes, 0);
        return Math.max(ScalarPieces.most(lanes, 0, LANES), ScalarPieces.most(weights, i, to));
    }

    private static int zeros(float[] numbers, int length) {
        int zeros = 0;
        for (int i = 0; i < length; i += LANES) {
            zeros += FloatVector.fromArray(Lanes.FLOATS, numbers, i)
                    .compare(VectorOperators.EQ, 0f)
                    .trueCount();
        }
        return zeros;
    }

    private static void divide(float[] units, int length, float scale) {
        FloatVector divisor = FloatVector.broadcast(Lanes.FLOATS, scale);
        for (int i = 0; i < length; i += LANES) {
            FloatVector.fromArray(Lanes.FLOATS, units, i).div(divisor).intoArray(units, i);
        }
    }

    private static void integers(
            float[] units, int length, float zeroPoint, float lowest, float highest, byte[] bytes, float[] read) {
        for (int i = 0; i < length; i += LANES) {
            FloatVector code = FloatVector.fromArray(Lanes.FLOATS, units, i)
                    .add(zeroPoint)
                    .max(lowest)
                    .min(highest)
                    .add(ROUNDER)
                    .sub(ROUNDER);
            code.sub(zeroPoint).intoArray(read, i);
            LaneBytes.store((IntVector) code.convertShape(VectorOperators.F2I, Lanes.INTS, 0), bytes, i);
        }
    }

    /**
     * {@link Float8} and {@link Float4}, many at a time.
     *
     * @param bits of a code
     * @param dropped bits of an F32's mantissa that have no place in a code
     * @param normal the smallest number that is not subnormal
     * @param rounder what to add to a subnormal number so that the sum is rounded to the code's step
     */
    private static void floats(
            float[] units,
            int length,
            int bits,
            int dropped,
            float normal,
            float rounder,
            float largest,
            byte[] bytes,
            float[] read) {
        int belowHalf = (1 << (dropped - 1)) - 1;
        // One binade below the normal numbers is where the fields of the code begin with 0.
        int base = Float.floatToRawIntBits(normal) - (1 << 23);
        int signShift = Integer.SIZE - bits;
        for (int i = 0; i < length; i += LANES) {
            // Adding 0 makes -0 a 0, as compressed-tensors has it.
            FloatVector unit = FloatVector.fromArray(Lanes.FLOATS, units, i).add(0f);
            IntVector sign = unit.reinterpretAsInts().and(Integer.MIN_VALUE);
            FloatVector magnitude = unit.abs().min(largest);
            IntVector fields = magnitude.reinterpretAsInts();
            VectorMask<Float> subnormal = magnitude.compare(VectorOperators.LT, normal);
            FloatVector shifted = magnitude.add(rounder);
            IntVector rounded = fields.add(belowHalf)
                    .add(fields.lanewise(VectorOperators.LSHR, dropped).and(1))
                    .and(-1 << dropped);
            IntVector code = rounded.sub(base)
                    .lanewise(VectorOperators.LSHR, dropped)
                    .blend(
                            shifted.reinterpretAsInts().sub(Float.floatToRawIntBits(rounder)),
                            subnormal.cast(Lanes.INTS));
            LaneBytes.store(code.or(sign.lanewise(VectorOperators.LSHR, signShift)), bytes, i);
            FloatVector value = rounded.reinterpretAsFloats().blend(shifted.sub(rounder), subnormal);
            value.reinterpretAsInts().or(sign).reinterpretAsFloats().intoArray(read, i);
        }
    }

    private static void measure(float[] units, float[] read, int length, float[] columns) {
        for (int column = 0; column < GroupFormat.COLUMNS; column += LANES) {
            FloatVector errors = FloatVector.zero(Lanes.FLOATS);
            FloatVector values = errors;
            FloatVector most = errors;
            for (int i = column; i < length; i += GroupFormat.COLUMNS) {
                FloatVector unit = FloatVector.fromArray(Lanes.FLOATS, units, i);
                FloatVector error = unit.sub(FloatVector.fromArray(Lanes.FLOATS, read, i));
                errors = errors.add(error.mul(error));
                values = values.add(unit.mul(unit));
                most = most.max(error.abs());
            }
            errors.intoArray(columns, column);
            values.intoArray(columns, GroupFormat.COLUMNS + column);
            most.intoArray(columns, 2 * GroupFormat.COLUMNS + column);
        }
    }

    private void report(double scale, int zerosBefore, int zerosAfter, RoundingLoss loss) {
        double errorSquares = 0;
        double valueSquares = 0;
        float maxError = 0;
        for (int column = 0; column < GroupFormat.COLUMNS; column++) {
            errorSquares += columns[column];
            valueSquares += columns[GroupFormat.COLUMNS + column];
            maxError = Math.max(maxError, columns[2 * GroupFormat.COLUMNS + column]);
        }
        loss.add(errorSquares * scale * scale, valueSquares * scale * scale, maxError * scale, zerosBefore, zerosAfter);
    }
}
