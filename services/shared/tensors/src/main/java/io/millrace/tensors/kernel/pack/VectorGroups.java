package io.millrace.tensors.kernel.pack;

import io.millrace.tensors.kernel.LaneBytes;
import io.millrace.tensors.kernel.Lanes;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Round to nearest in groups: the scale is rounded to its stored type first, weights are divided by it (no reciprocal),
 * rounded half to even and clamped. Codes are stored with {@code 2^(bits - 1)} added, lowest bits first. One instance
 * per thread.
 */
public final class VectorGroups {
    private static final ValueLayout.OfInt FILE_INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort FILE_SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int LANES = Lanes.FLOATS.length();

    /** Adding and subtracting it rounds half to even while the magnitude is below 2^22; here it is below 2^8. */
    private static final float ROUNDER = 12582912f;

    private final GroupFormat format;
    private final float[] units = new float[GroupFormat.GROUP];
    private final byte[] codes = new byte[GroupFormat.GROUP];
    private final byte[] packed;
    private final IntBuffer packedWords;
    private final int[] words;
    private final float[] columns = new float[3 * GroupFormat.COLUMNS];
    private final int[] zeros = new int[2];

    public VectorGroups(GroupFormat format) {
        this.format = format;
        this.words = new int[GroupFormat.GROUP / format.codesPerWord()];
        this.packed = format.bits() == Byte.SIZE ? codes : new byte[GroupFormat.GROUP / 2];
        this.packedWords =
                ByteBuffer.wrap(packed).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer();
    }

    /**
     * Quantizes {@code groups} groups of finite weights.
     *
     * @param weights [groups, 128] f32
     * @param packed [groups, 128 / codesPerWord] i32 little-endian, written from its start
     * @param scales [groups] 16-bit floats, written from its start
     * @param zeroPoints [groups]
     */
    public void quantize(
            float[] weights,
            int groups,
            MemorySegment packed,
            MemorySegment scales,
            byte[] zeroPoints,
            RoundingLoss loss) {
        long wordOffset = 0;
        for (int group = 0; group < groups; group++) {
            GroupScale scale = quantizeGroup(weights, group * GroupFormat.GROUP, words, loss);
            scales.set(FILE_SHORT, (long) group * Short.BYTES, scale.stored());
            zeroPoints[group] = (byte) scale.zeroPoint();
            for (int word : words) {
                packed.set(FILE_INT, wordOffset, word);
                wordOffset += Integer.BYTES;
            }
        }
    }

    /** One group that begins at {@code start}, into {@code target}; returns its scale. */
    GroupScale quantizeGroup(float[] weights, int start, int[] target, RoundingLoss loss) {
        GroupScale scale = scale(weights, start);
        divide(weights, start, scale.value(), units);
        round(units, scale.zeroPoint(), format.lowest(), format.highest(), codes);
        countZeros(weights, start, units, scale.zeroPoint(), zeros);
        measure(units, scale.zeroPoint(), format.lowest(), format.highest(), columns);
        if (format.bits() < Byte.SIZE) {
            LaneBytes.packNibbles(codes, GroupFormat.GROUP, packed);
        }
        packedWords.get(0, target);
        report(scale.value(), loss);
        return scale;
    }

    private GroupScale scale(float[] weights, int start) {
        if (format.symmetric()) {
            float largest = largest(weights, start, columns);
            return format.scale(-largest, largest);
        }
        extremes(weights, start, columns);
        float least = 0;
        float most = 0;
        for (int lane = 0; lane < LANES; lane++) {
            least = Math.min(least, columns[lane]);
            most = Math.max(most, columns[GroupFormat.COLUMNS + lane]);
        }
        return format.scale(least, most);
    }

    private static float largest(float[] weights, int start, float[] scratch) {
        FloatVector most = FloatVector.zero(Lanes.FLOATS);
        for (int i = 0; i < GroupFormat.GROUP; i += LANES) {
            most = most.max(
                    FloatVector.fromArray(Lanes.FLOATS, weights, start + i).abs());
        }
        most.intoArray(scratch, 0);
        float largest = 0;
        for (int lane = 0; lane < LANES; lane++) {
            largest = Math.max(largest, scratch[lane]);
        }
        return largest;
    }

    private static void extremes(float[] weights, int start, float[] columns) {
        FloatVector least = FloatVector.zero(Lanes.FLOATS);
        FloatVector most = least;
        for (int i = 0; i < GroupFormat.GROUP; i += LANES) {
            FloatVector weight = FloatVector.fromArray(Lanes.FLOATS, weights, start + i);
            least = least.min(weight);
            most = most.max(weight);
        }
        least.intoArray(columns, 0);
        most.intoArray(columns, GroupFormat.COLUMNS);
    }

    private static void divide(float[] weights, int start, float scale, float[] units) {
        FloatVector divisor = FloatVector.broadcast(Lanes.FLOATS, scale);
        for (int i = 0; i < GroupFormat.GROUP; i += LANES) {
            FloatVector.fromArray(Lanes.FLOATS, weights, start + i).div(divisor).intoArray(units, i);
        }
    }

    private static void round(float[] units, float zeroPoint, int lowest, int highest, byte[] codes) {
        FloatVector low = FloatVector.broadcast(Lanes.FLOATS, lowest);
        FloatVector high = FloatVector.broadcast(Lanes.FLOATS, highest);
        for (int i = 0; i < GroupFormat.GROUP; i += LANES) {
            FloatVector code = code(FloatVector.fromArray(Lanes.FLOATS, units, i), zeroPoint, low, high);
            LaneBytes.store(((IntVector) code.convertShape(VectorOperators.F2I, Lanes.INTS, 0)).sub(lowest), codes, i);
        }
    }

    private static void countZeros(float[] weights, int start, float[] units, float zeroPoint, int[] zeros) {
        int before = 0;
        int after = 0;
        for (int i = 0; i < GroupFormat.GROUP; i += LANES) {
            FloatVector weight = FloatVector.fromArray(Lanes.FLOATS, weights, start + i);
            before += weight.compare(VectorOperators.EQ, 0f).trueCount();
            // No clamp: the zero point is a code.
            FloatVector code = nearest(FloatVector.fromArray(Lanes.FLOATS, units, i), zeroPoint);
            after += code.compare(VectorOperators.EQ, zeroPoint).trueCount();
        }
        zeros[0] = before;
        zeros[1] = after;
    }

    private static FloatVector nearest(FloatVector units, float zeroPoint) {
        return units.add(zeroPoint).add(ROUNDER).sub(ROUNDER);
    }

    private static FloatVector code(FloatVector units, float zeroPoint, FloatVector low, FloatVector high) {
        return nearest(units, zeroPoint).max(low).min(high);
    }

    private static void measure(float[] units, float zeroPoint, int lowest, int highest, float[] columns) {
        FloatVector low = FloatVector.broadcast(Lanes.FLOATS, lowest);
        FloatVector high = FloatVector.broadcast(Lanes.FLOATS, highest);
        for (int column = 0; column < GroupFormat.COLUMNS; column += LANES) {
            FloatVector errors = FloatVector.zero(Lanes.FLOATS);
            FloatVector values = errors;
            FloatVector most = errors;
            for (int i = column; i < GroupFormat.GROUP; i += GroupFormat.COLUMNS) {
                FloatVector unit = FloatVector.fromArray(Lanes.FLOATS, units, i);
                FloatVector error = unit.sub(code(unit, zeroPoint, low, high).sub(zeroPoint));
                errors = errors.add(error.mul(error));
                values = values.add(unit.mul(unit));
                most = most.max(error.abs());
            }
            errors.intoArray(columns, column);
            values.intoArray(columns, GroupFormat.COLUMNS + column);
            most.intoArray(columns, 2 * GroupFormat.COLUMNS + column);
        }
    }

    private void report(double scale, RoundingLoss loss) {
        double errorSquares = 0;
        double valueSquares = 0;
        float maxError = 0;
        for (int column = 0; column < GroupFormat.COLUMNS; column++) {
            errorSquares += columns[column];
            valueSquares += columns[GroupFormat.COLUMNS + column];
            maxError = Math.max(maxError, columns[2 * GroupFormat.COLUMNS + column]);
        }
        loss.add(errorSquares * scale * scale, valueSquares * scale * scale, maxError * scale, zeros[0], zeros[1]);
    }
}
