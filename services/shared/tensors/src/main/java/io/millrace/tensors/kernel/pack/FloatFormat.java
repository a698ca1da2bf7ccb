package io.millrace.tensors.kernel.pack;

import io.millrace.tensors.kernel.convert.Float4;
import io.millrace.tensors.kernel.convert.Float8;

/**
 * 4-bit floats (E2M1) in groups along a row, each group with a scale of one byte.
 *
 * <p>MX formats have a power of two per group of 32: weight = code * scale. NVFP4 has an 8-bit float (E4M3) per group of
 * 16, and what those scales are measured in per module: weight = code * (scale / global scale). Its global scale spreads
 * the groups' scales over what E4M3 can say: 448 * 6 / largest magnitude.
 *
 * @param groupSize 32 or 16
 * @param globalScale 0 where scales are powers of two
 */
public record FloatFormat(int groupSize, float globalScale) {
    private static final int MX_GROUP = 32;
    private static final int NV_GROUP = 16;

    /** compressed-tensors writes it where a scale would be 0. */
    private static final float EPSILON = 0.125f;

    /** A group's scale as the file holds it, and the number by which its weights are divided. */
    record Scale(byte stored, float value) {}

    public static FloatFormat mx() {
        return new FloatFormat(MX_GROUP, 0);
    }

    /**
     * In F32, as compressed-tensors computes it from weights in F32. llm-compressor computes in the checkpoint's type, so
     * that its global scale of a BF16 checkpoint is up to 0.6 % away from it, with the same squared error within 0.1 %.
     *
     * @param largestMagnitude of all weights that share the global scale
     */
    public static FloatFormat nv(float largestMagnitude) {
        // As the library computes it: a number divided by a tensor is the number times the tensor's reciprocals.
        float reciprocal = 1 / Math.max(largestMagnitude, Float.MIN_NORMAL);
        float global = Float8.LARGEST * Float4.LARGEST * reciprocal;
        return new FloatFormat(NV_GROUP, Float.isFinite(global) ? global : 1);
    }

    public boolean powersOfTwo() {
        return globalScale == 0;
    }

    Scale scale(float largestMagnitude) {
        if (powersOfTwo()) {
            byte stored = PowerOfTwoScale.of(largestMagnitude);
            return new Scale(stored, PowerOfTwoScale.value(stored));
        }
        byte stored = Float8.toE4m3(globalScale * (largestMagnitude / Float4.LARGEST));
        byte used = stored == 0 ? Float8.toE4m3(EPSILON) : stored;
        return new Scale(used, Float8.fromE4m3(used) / globalScale);
    }
}
