package io.millrace.tensors.kernel.gguf;

/** {@link ScalarAffineBlocks}, two super-blocks at a time. */
final class LaneAffineBlocks {
    static final int BLOCKS = 2;

    private static final int COLUMNS = LaneAffineSearch.COLUMNS;
    private static final int SUB = LaneAffineSearch.SUB;
    private static final int SUB_BLOCKS = ScalarAffineBlocks.SUB_BLOCKS;

    private final boolean fifthBit;
    private final int blockBytes;
    private final LaneAffineSearch lanes;
    private final float[] scales = new float[COLUMNS];
    private final float[] mins = new float[COLUMNS];

    LaneAffineBlocks(ScalarAffineSearch search, int blockBytes) {
        this.fifthBit = search.top() > 15;
        this.lanes = new LaneAffineSearch(search);
        this.blockBytes = blockBytes;
    }

    /** Quantizes x[from, from + 512) to two super-blocks at out[at …]. */
    void quantize(float[] x, int from, byte[] out, int at) {
        toColumns(x, from, lanes.columns());
        lanes.run();
        lanes.scales(scales);
        lanes.negatedMins(mins);
        AffinePacking first = AffinePacking.of(scales, mins, 0);
        AffinePacking second = AffinePacking.of(scales, mins, SUB_BLOCKS);
        for (int j = 0; j < SUB_BLOCKS; j++) {
            scales[j] = first.scale(j);
            mins[j] = first.min(j);
            scales[j + SUB_BLOCKS] = second.scale(j);
            mins[j + SUB_BLOCKS] = second.min(j);
        }
        int[] codes = lanes.codes(scales, mins);
        first.write(fifthBit, codes, 0, 1, COLUMNS, out, at);
        second.write(fifthBit, codes, SUB_BLOCKS, 1, COLUMNS, out, at + blockBytes);
    }

    private static void toColumns(float[] x, int from, float[] columns) {
        for (int j = 0; j < COLUMNS; j++) {
            for (int i = 0; i < SUB; i++) {
                columns[i * COLUMNS + j] = x[from + j * SUB + i];
            }
        }
    }
}
