package io.millrace.tensors.kernel.pack;

import io.millrace.tensors.DType;

/**
 * What the codes of weights that share a scale mean: weight = (code - zeroPoint) * value.
 *
 * @param stored the scale as the file holds it
 * @param value the same scale
 */
record GroupScale(short stored, float value, int zeroPoint) {
    /**
     * How weights between {@code least} (at most 0) and {@code most} (at least 0) are stored, as compressed-tensors decides
     * it: the zero point follows from the exact scale, the codes from the stored one.
     */
    static GroupScale of(Code code, boolean symmetric, DType scaleType, float least, float most) {
        if (symmetric) {
            short stored = StoredScale.of(Math.max(-least, most) / code.reach(), scaleType);
            return new GroupScale(stored, StoredScale.widened(stored, scaleType), 0);
        }
        float steps = code.highest() - code.lowest();
        float span = most - least;
        // From end to end of the floats the distance is no float.
        float scale = Float.isFinite(span) ? span / steps : most / steps - least / steps;
        // 0 / 0 among zeros alone: rounded, not a number becomes 0, there as here.
        float zeroPoint = Math.min(Math.max(code.lowest() - least / scale, code.lowest()), code.highest());
        short stored = StoredScale.of(scale, scaleType);
        return new GroupScale(stored, StoredScale.widened(stored, scaleType), (int) Math.rint(zeroPoint));
    }
}
