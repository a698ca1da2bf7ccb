package io.millrace.tensors.kernel.gguf;

/** {@link ScalarQ3K} with the 16 sub-blocks of a super-block in lanes. */
final class LaneQ3K {
    private static final int COLUMNS = LanePass.COLUMNS;
    private static final int ELEMENTS = ScalarQ3K.ELEMENTS;
    private static final int SUB = ScalarQ3K.SUB;

    private final LaneSymmetricSearch lanes = new LaneSymmetricSearch(ScalarSymmetricSearch.Q3_K, SUB);
    private final LaneScaleSearch ofScales = new LaneScaleSearch(ScalarQ3K.SCALE_HALF);
    private final float[] scales = new float[COLUMNS];
    private final float[] sums = new float[COLUMNS];
    private final int[] scaleCodes = new int[COLUMNS];
    private final int[] codes = new int[ELEMENTS];

    /** Quantizes x[from, from + 256) to out[at, at + 110). */
    void quantize(float[] x, int from, byte[] out, int at) {
        LaneColumns.fill(x, from, SUB, COLUMNS, lanes.columns());
        lanes.weighBySquares();
        lanes.runByImproving(ScalarQ3K.PASSES);
        lanes.scales(scales);
        write(ScalarQ3K.scaleCodes(scales, scaleCodes), out, at);
    }

    /** The same with an importance for each element. */
    void quantize(float[] x, int from, float[] importance, int importanceFrom, byte[] out, int at) {
        LaneColumns.fill(x, from, SUB, COLUMNS, lanes.columns());
        LaneColumns.fill(importance, importanceFrom, SUB, COLUMNS, lanes.importances());
        lanes.weighByImportance(2 * ScalarWeights.squares(x, from, ELEMENTS) / ELEMENTS);
        lanes.run();
        lanes.scales(scales);
        lanes.sums(sums);
        write(Float.floatToFloat16(ofScales.fit(scales, sums, scaleCodes)), out, at);
    }

    private void write(short d, byte[] out, int at) {
        for (int j = 0; j < COLUMNS; j++) {
            scales[j] = Float.float16ToFloat(d) * (scaleCodes[j] - ScalarQ3K.SCALE_HALF);
        }
        LaneColumns.take(lanes.codes(scales), SUB, codes);
        ScalarQ3K.write(d, scaleCodes, codes, out, at);
    }
}
