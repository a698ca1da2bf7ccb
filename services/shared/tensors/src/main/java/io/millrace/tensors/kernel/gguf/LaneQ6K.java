package io.millrace.tensors.kernel.gguf;

/** {@link ScalarQ6K} with the 16 sub-blocks of a super-block in lanes. */
final class LaneQ6K {
    private static final int COLUMNS = LanePass.COLUMNS;
    private static final int SUB = ScalarQ6K.SUB;

    private final LaneSymmetricSearch lanes = new LaneSymmetricSearch(ScalarSymmetricSearch.Q6_K, SUB);
    private final float[] scales = new float[COLUMNS];
    private final int[] codes = new int[ScalarQ6K.ELEMENTS];

    /** Quantizes x[from, from + 256) to out[at, at + 210). */
    void quantize(float[] x, int from, byte[] out, int at) {
        LaneColumns.fill(x, from, SUB, COLUMNS, lanes.columns());
        lanes.weighBySquares();
        write(out, at);
    }

    /** The same with the weight of each element given: its importance. */
    void quantize(float[] x, int from, float[] importance, int importanceFrom, byte[] out, int at) {
        LaneColumns.fill(x, from, SUB, COLUMNS, lanes.columns());
        LaneColumns.fill(importance, importanceFrom, SUB, COLUMNS, lanes.importances());
        write(out, at);
    }

    private void write(byte[] out, int at) {
        lanes.run();
        lanes.scales(scales);
        float largest = ScalarBlocks32.signedLargest(scales, 0, COLUMNS);
        if (Math.abs(largest) < ScalarSymmetricSearch.TINY) {
            java.util.Arrays.fill(out, at, at + 210, (byte) 0);
            return;
        }
        float inverse = -128f / largest;
        short d = Float.floatToFloat16(1 / inverse);
        for (int j = 0; j < COLUMNS; j++) {
            byte scale = (byte) Math.min(127, Rounding.nearest(inverse * scales[j]));
            out[at + 192 + j] = scale;
            scales[j] = Float.float16ToFloat(d) * scale;
        }
        out[at + 208] = (byte) d;
        out[at + 209] = (byte) (d >> 8);
        LaneColumns.take(lanes.codes(scales), SUB, codes);
        ScalarQ6K.pack(codes, out, at);
    }
}
