package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.kernel.gguf.LaneAffineSearch.Weighing;

/** {@link ScalarQ2K} with the 16 sub-blocks of a super-block in lanes. */
final class LaneQ2K {
    private static final int COLUMNS = LanePass.COLUMNS;
    private static final int ELEMENTS = ScalarQ2K.ELEMENTS;
    private static final int SUB = ScalarQ2K.SUB;

    private final LaneAffineSearch lanes;
    private final float[] scales = new float[COLUMNS];
    private final float[] mins = new float[COLUMNS];
    private final float[] sums = new float[COLUMNS];
    private final int[] codes = new int[ELEMENTS];

    private LaneQ2K(ScalarAffineSearch search, Weighing weighing) {
        this.lanes = new LaneAffineSearch(search, weighing);
    }

    static LaneQ2K plain() {
        return new LaneQ2K(ScalarAffineSearch.Q2_K, Weighing.MAGNITUDE);
    }

    /** For {@link #quantize(float[], int, float[], int, byte[], int)}. */
    static LaneQ2K weighted() {
        return new LaneQ2K(ScalarAffineSearch.weighted(SUB, ScalarQ2K.TOP), Weighing.IMPORTANCE);
    }

    /** Quantizes x[from, from + 256) to out[at, at + 84). */
    void quantize(float[] x, int from, byte[] out, int at) {
        search(x, from);
        write(ScalarQ2K.Head.of(scales, mins), out, at);
    }

    /** The same with an importance for each element. */
    void quantize(float[] x, int from, float[] importance, int importanceFrom, byte[] out, int at) {
        LaneColumns.fill(importance, importanceFrom, SUB, COLUMNS, lanes.importances());
        lanes.variance(0, COLUMNS, ScalarWeights.squares(x, from, ELEMENTS) / ELEMENTS);
        search(x, from);
        lanes.sums(sums);
        write(ScalarQ2K.Head.weighted(scales, mins, sums), out, at);
    }

    private void search(float[] x, int from) {
        LaneColumns.fill(x, from, SUB, COLUMNS, lanes.columns());
        lanes.run();
        lanes.scales(scales);
        lanes.negatedMins(mins);
    }

    private void write(ScalarQ2K.Head head, byte[] out, int at) {
        for (int j = 0; j < COLUMNS; j++) {
            scales[j] = head.scale(j);
            mins[j] = head.min(j);
        }
        LaneColumns.take(lanes.codes(scales, mins), SUB, codes);
        head.write(out, at);
        ScalarQ2K.packPairs(codes, out, at + 16);
    }
}
