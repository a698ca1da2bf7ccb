package io.millrace.tensors.kernel.pack;

/** The specification of {@link VectorFloats}: the same numbers, one weight at a time. */
final class ScalarFloats {
    private ScalarFloats() {}

    /** Quantizes the group that begins at {@code start}, one code per byte; returns its stored scale. */
    static byte quantize(FloatFormat format, float[] weights, int start, byte[] codes, RoundingLoss loss) {
        int end = start + format.groupSize();
        float largest = Math.max(-ScalarPieces.least(weights, start, end), ScalarPieces.most(weights, start, end));
        FloatFormat.Scale scale = format.scale(largest);
        ScalarPieces.quantize(Code.E2M1, weights, start, format.groupSize(), scale.value(), 0, codes, loss);
        return scale.stored();
    }
}
