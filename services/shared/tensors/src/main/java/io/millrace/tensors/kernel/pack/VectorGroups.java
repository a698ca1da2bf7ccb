package io.millrace.tensors.kernel.pack;

import io.millrace.tensors.kernel.LaneBytes;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Round to nearest in groups: the scale is rounded to its stored type first, weights are divided by it (no reciprocal),
 * rounded half to even and clamped. Codes are stored with {@code 2^(bits - 1)} added, lowest bits first. One instance
 * per thread.
 */
public final class VectorGroups {
    private static final ValueLayout.OfShort FILE_SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final GroupFormat format;
    private final VectorIntegers integers;
    private final byte[] codes = new byte[GroupFormat.GROUP];
    private final LossColumns columns = new LossColumns();

    public VectorGroups(GroupFormat format) {
        this.format = format;
        this.integers = new VectorIntegers(format.lowest(), format.highest(), format.lowest());
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
        integers.round(weights, start, GroupFormat.GROUP, scale.value(), scale.zeroPoint(), codes, at, columns);
    }
}
