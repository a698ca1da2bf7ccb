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

    private final Code code;
    private final VectorIntegers integers;
    private final float[] filled = new float[LENGTH];
    private final byte[] filledCodes = new byte[LENGTH];
    private final LossColumns columns = new LossColumns();

    VectorPieces(Code code) {
        this.code = code;
        this.integers = new VectorIntegers(code.lowest(), code.highest(), 0);
    }

    /** The codes of {@code length} weights go to the same places of {@code codes}. */
    void quantize(float[] weights, int from, int length, float scale, int zeroPoint, byte[] codes, RoundingLoss loss) {
        int padding = -length & (GroupFormat.COLUMNS - 1);
        if (padding == 0) {
            round(weights, from, length, scale, zeroPoint, codes);
        } else {
            // Filled up to whole columns with zeros, which add nothing to the sums.
            System.arraycopy(weights, from, filled, 0, length);
            Arrays.fill(filled, length, length + padding, 0);
            round(filled, 0, length + padding, scale, zeroPoint, filledCodes);
            System.arraycopy(filledCodes, 0, codes, from, length);
        }
        columns.addTo(loss, scale, padding);
    }

    private void round(float[] weights, int from, int length, float scale, int zeroPoint, byte[] codes) {
        switch (code) {
            case INT4, INT8 -> integers.round(weights, from, length, scale, zeroPoint, codes, from, columns);
            case E2M1 -> floats(weights, from, length, scale, 4, 22, 1f, 0x1p22f, Float4.LARGEST, codes, columns);
            case E4M3 -> floats(weights, from, length, scale, 8, 20, 0x1p-6f, 0x1p14f, Float8.LARGEST, codes, columns);
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
            float[] weights,
            int from,
            int length,
            float scale,
            int bits,
            int dropped,
            float normal,
            float rounder,
            float largest,
            byte[] codes,
            LossColumns columns) {
        FloatVector divisor = FloatVector.broadcast(Lanes.FLOATS, scale);
        int belowHalf = (1 << (dropped - 1)) - 1;
        // One binade below the normal numbers is where the fields of the code begin with 0.
        int base = Float.floatToRawIntBits(normal) - (1 << 23);
        int signShift = Integer.SIZE - bits;
        IntVector most = IntVector.zero(Lanes.INTS);
        int zerosBefore = 0;
        int zerosAfter = 0;
        for (int column = 0; column < GroupFormat.COLUMNS; column += LANES) {
            FloatVector errors = FloatVector.zero(Lanes.FLOATS);
            FloatVector values = errors;
            for (int i = column; i < length; i += GroupFormat.COLUMNS) {
                FloatVector weight = FloatVector.fromArray(Lanes.FLOATS, weights, from + i);
                // Adding 0 makes -0 a 0, as compressed-tensors has it.
                FloatVector unit = weight.div(divisor).add(0f);
                IntVector sign = unit.reinterpretAsInts().and(Integer.MIN_VALUE);
                // Magnitudes have the order of their bits.
                IntVector fields =
                        unit.reinterpretAsInts().and(Integer.MAX_VALUE).min(Float.floatToRawIntBits(largest));
                VectorMask<Integer> subnormal = fields.compare(VectorOperators.LT, Float.floatToRawIntBits(normal));
                FloatVector shifted = fields.reinterpretAsFloats().add(rounder);
                IntVector rounded = fields.add(belowHalf)
                        .add(fields.lanewise(VectorOperators.LSHR, dropped).and(1))
                        .and(-1 << dropped);
                IntVector code = rounded.sub(base)
                        .lanewise(VectorOperators.LSHR, dropped)
                        .blend(shifted.reinterpretAsInts().sub(Float.floatToRawIntBits(rounder)), subnormal);
                LaneBytes.store(code.or(sign.lanewise(VectorOperators.LSHR, signShift)), codes, from + i);
                FloatVector read = rounded.blend(shifted.sub(rounder).reinterpretAsInts(), subnormal)
                        .or(sign)
                        .reinterpretAsFloats();
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
