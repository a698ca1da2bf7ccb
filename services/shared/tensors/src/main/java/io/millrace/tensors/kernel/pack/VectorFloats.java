package io.millrace.tensors.kernel.pack;

/** Round to nearest in groups of 4-bit floats: the scale is rounded to its stored byte first. One instance per thread. */
public final class VectorFloats {
    private final FloatFormat format;
    private final VectorPieces pieces = new VectorPieces(Code.E2M1);

    public VectorFloats(FloatFormat format) {
        this.format = format;
    }

    /**
     * Quantizes as many groups of finite weights as there are scales.
     *
     * @param weights [groups, groupSize] f32
     * @param codes [groups, groupSize], one per byte
     * @param scales [groups] as the file holds them
     */
    public void quantize(float[] weights, byte[] codes, byte[] scales, RoundingLoss loss) {
        int size = format.groupSize();
        for (int group = 0; group < scales.length; group++) {
            int start = group * size;
            FloatFormat.Scale scale = format.scale(LaneExtremes.magnitude(weights, start, start + size));
            scales[group] = scale.stored();
            pieces.quantize(weights, start, size, scale.value(), 0, codes, loss);
        }
    }
}
