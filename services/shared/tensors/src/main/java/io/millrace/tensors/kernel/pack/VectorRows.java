package io.millrace.tensors.kernel.pack;

import io.millrace.tensors.DType;
import io.millrace.tensors.kernel.Lanes;
import io.millrace.tensors.kernel.convert.Float8;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * Round to nearest with one scale per row: the scale is rounded to its stored type first, weights are divided by it (no
 * reciprocal), clamped to what a code can say and rounded half to even. One instance per thread.
 */
public final class VectorRows {
    /** Weights whose squares are summed together, as in a group of {@link VectorGroups}. */
    static final int PIECE = GroupFormat.GROUP;

    private static final ValueLayout.OfShort FILE_SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int LANES = Lanes.FLOATS.length();

    /** Adding and subtracting it rounds half to even while the magnitude is below 2^22; here it is below 2^8. */
    private static final float ROUNDER = 12582912f;

    private final RowFormat format;
    private final float[] units = new float[PIECE];
    private final float[] read = new float[PIECE];
    private final int[] bytes = new int[PIECE];
    private final float[] columns = new float[3 * GroupFormat.COLUMNS];

    public VectorRows(RowFormat format) {
        this.format = format;
    }

    /**
     * Quantizes {@code rows} rows of finite weights.
     *
     * @param weights [rows, length] f32
     * @param codes [rows, length] of the format's code type
     * @param scales [rows] 16-bit floats little-endian, written from its start
     */
    public void quantize(float[] weights, int rows, int length, byte[] codes, MemorySegment scales, RoundingLoss loss) {
        for (int row = 0; row < rows; row++) {
            int start = row * length;
            short stored = format.scale(largest(weights, start, start + length));
            scales.set(FILE_SHORT, (long) row * Short.BYTES, stored);
            for (int from = start; from < start + length; from += PIECE) {
                piece(weights, from, Math.min(PIECE, start + length - from), format.widened(stored), codes, loss);
            }
        }
    }

    private float largest(float[] weights, int from, int to) {
        FloatVector most = FloatVector.zero(Lanes.FLOATS);
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            most = most.max(FloatVector.fromArray(Lanes.FLOATS, weights, i).abs());
        }
        most.intoArray(read, 0);
        float largest = 0;
        for (int lane = 0; lane < LANES; lane++) {
            largest = Math.max(largest, read[lane]);
        }
        for (; i < to; i++) {
            largest = Math.max(largest, Math.abs(weights[i]));
        }
        return largest;
    }

    /** A piece shorter than {@link #PIECE} is filled up with zeros, which add nothing to the sums. */
    private void piece(float[] weights, int from, int length, float scale, byte[] codes, RoundingLoss loss) {
        System.arraycopy(weights, from, units, 0, length);
        Arrays.fill(units, length, PIECE, 0);
        int padding = PIECE - length;
        int zerosBefore = zeros(units) - padding;
        divide(units, scale);
        if (format.codeType() == DType.I8) {
            integers(units, bytes, read);
        } else {
            floats(units, bytes, read);
        }
        for (int i = 0; i < length; i++) {
            codes[from + i] = (byte) bytes[i];
        }
        measure(units, read, columns);
        report(scale, zerosBefore, zeros(read) - padding, loss);
    }

    private static int zeros(float[] numbers) {
        int zeros = 0;
        for (int i = 0; i < PIECE; i += LANES) {
            zeros += FloatVector.fromArray(Lanes.FLOATS, numbers, i)
                    .compare(VectorOperators.EQ, 0f)
                    .trueCount();
        }
        return zeros;
    }

    private static void divide(float[] units, float scale) {
        FloatVector divisor = FloatVector.broadcast(Lanes.FLOATS, scale);
        for (int i = 0; i < PIECE; i += LANES) {
            // compressed-tensors adds the zero point 0, which makes -0 a 0.
            FloatVector.fromArray(Lanes.FLOATS, units, i).div(divisor).add(0f).intoArray(units, i);
        }
    }

    private static void integers(float[] units, int[] bytes, float[] read) {
        for (int i = 0; i < PIECE; i += LANES) {
            FloatVector code = FloatVector.fromArray(Lanes.FLOATS, units, i)
                    .max(RowFormat.LOWEST_INTEGER)
                    .min(RowFormat.HIGHEST_INTEGER)
                    .add(ROUNDER)
                    .sub(ROUNDER);
            code.intoArray(read, i);
            ((IntVector) code.convertShape(VectorOperators.F2I, Lanes.INTS, 0)).intoArray(bytes, i);
        }
    }

    /** {@link Float8}, many at a time. */
    private static void floats(float[] units, int[] bytes, float[] read) {
        for (int i = 0; i < PIECE; i += LANES) {
            FloatVector unit = FloatVector.fromArray(Lanes.FLOATS, units, i);
            IntVector sign = unit.reinterpretAsInts().and(Integer.MIN_VALUE);
            FloatVector magnitude = unit.abs().min(Float8.LARGEST);
            IntVector bits = magnitude.reinterpretAsInts();
            VectorMask<Float> subnormal = magnitude.compare(VectorOperators.LT, 0x1p-6f);
            FloatVector shifted = magnitude.add(0x1p14f);
            IntVector rounded = bits.add(0x7ffff)
                    .add(bits.lanewise(VectorOperators.LSHR, 20).and(1))
                    .and(-1 << 20);
            IntVector code = rounded.sub(0x3c000000)
                    .lanewise(VectorOperators.LSHR, 20)
                    .blend(shifted.reinterpretAsInts().sub(0x46800000), subnormal.cast(Lanes.INTS));
            code.or(sign.lanewise(VectorOperators.LSHR, 24)).intoArray(bytes, i);
            FloatVector value = rounded.reinterpretAsFloats().blend(shifted.sub(0x1p14f), subnormal);
            value.reinterpretAsInts().or(sign).reinterpretAsFloats().intoArray(read, i);
        }
    }

    private static void measure(float[] units, float[] read, float[] columns) {
        for (int column = 0; column < GroupFormat.COLUMNS; column += LANES) {
            FloatVector errors = FloatVector.zero(Lanes.FLOATS);
            FloatVector values = errors;
            FloatVector most = errors;
            for (int i = column; i < PIECE; i += GroupFormat.COLUMNS) {
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
