package io.millrace.tensors.kernel.pack;

import io.millrace.tensors.kernel.LaneBytes;
import io.millrace.tensors.kernel.Lanes;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Round to nearest in groups: the scale is rounded to its stored type first, weights are divided by it (no reciprocal),
 * rounded half to even and clamped. Codes are stored with {@code 2^(bits - 1)} added, lowest bits first. One instance
 * per thread.
 */
public final class VectorGroups {
    private static final ValueLayout.OfShort FILE_SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int LANES = Lanes.FLOATS.length();

    private final GroupFormat format;
    private final byte[] codes = new byte[GroupFormat.GROUP];
    private final LossColumns columns = new LossColumns();

    public VectorGroups(GroupFormat format) {
        this.format = format;
    }

    /**
     * Quantizes {@code groups} groups of finite weights.
     *
     * @param weights [groups, 128] f32
     * @param packed [groups, 128 * bits / 8], written from its start
     * @param scales [groups] 16-bit floats, written from its start
     * @param zeroPoints [groups]
     */
    public void quantize(
            float[] weights, int groups, byte[] packed, MemorySegment scales, byte[] zeroPoints, RoundingLoss loss) {
        int groupBytes = Math.toIntExact(format.packedRowBytes(GroupFormat.GROUP));
        for (int group = 0; group < groups; group++) {
            GroupScale scale = quantizeGroup(weights, group * GroupFormat.GROUP, packed, group * groupBytes, loss);
            scales.set(FILE_SHORT, (long) group * Short.BYTES, scale.stored());
            zeroPoints[group] = (byte) scale.zeroPoint();
        }
    }

    /** One group that begins at {@code start}, into {@code packed} from {@code at} on; returns its scale. */
    GroupScale quantizeGroup(float[] weights, int start, byte[] packed, int at, RoundingLoss loss) {
        GroupScale scale = scale(weights, start);
        if (format.bits() == Byte.SIZE) {
            round(weights, start, scale, packed, at);
        } else {
            round(weights, start, scale, codes, 0);
            LaneBytes.packNibbles(codes, GroupFormat.GROUP, packed, at);
        }
        columns.addTo(loss, scale.value(), 0);
        return scale;
    }

    private GroupScale scale(float[] weights, int start) {
        int end = start + GroupFormat.GROUP;
        if (format.symmetric()) {
            float largest = LaneExtremes.magnitude(weights, start, end);
            return format.scale(-largest, largest);
        }
        return format.scale(LaneExtremes.least(weights, start, end), LaneExtremes.most(weights, start, end));
    }

    private void round(float[] weights, int start, GroupScale scale, byte[] codes, int at) {
        round(weights, start, scale.value(), scale.zeroPoint(), format.lowest(), format.highest(), codes, at, columns);
    }

    private static void round(
            float[] weights,
            int start,
            float scale,
            int zeroPoint,
            int lowest,
            int highest,
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
            for (int i = column; i < GroupFormat.GROUP; i += GroupFormat.COLUMNS) {
                FloatVector weight = FloatVector.fromArray(Lanes.FLOATS, weights, start + i);
                FloatVector unit = weight.div(divisor);
                IntVector code =
                        LaneIntegers.nearest(unit.add(zeroPoint)).max(lowest).min(highest);
                LaneBytes.store(code.sub(lowest), codes, at + i);
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
