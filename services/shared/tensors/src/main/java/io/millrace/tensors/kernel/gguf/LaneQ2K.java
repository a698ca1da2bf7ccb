package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.GgufType;
import io.millrace.tensors.kernel.gguf.LaneAffineSearch.Weighing;
import java.util.Arrays;

/** {@link ScalarQ2K} with the sub-blocks of super-blocks in lanes. */
final class LaneQ2K implements LaneSuperBlocks {
    private static final int COLUMNS = LanePass.COLUMNS;

    private final LaneAffineSearch lanes;
    private final float[] scales = new float[COLUMNS];
    private final float[] mins = new float[COLUMNS];
    private final float[] sums = new float[COLUMNS];
    private final ScalarQ2K.Head[] heads = new ScalarQ2K.Head[AT_ONCE];
    private final int[] codes = new int[AT_ONCE * ELEMENTS];

    private LaneQ2K(ScalarAffineSearch search, Weighing weighing) {
        this.lanes = new LaneAffineSearch(search, weighing);
    }

    static LaneQ2K plain() {
        return new LaneQ2K(ScalarAffineSearch.Q2_K, Weighing.MAGNITUDE);
    }

    /** For {@link #weightedBlocks}. */
    static LaneQ2K weighted() {
        return new LaneQ2K(ScalarAffineSearch.weighted(SUB, ScalarQ2K.TOP), Weighing.IMPORTANCE);
    }

    @Override
    public int bytes() {
        return GgufType.Q2_K.blockBytes();
    }

    @Override
    public void plainBlocks(float[] x, int from, int blocks, byte[] out, int at) {
        search(x, from, blocks);
        for (int block = 0; block < blocks; block++) {
            heads[block] = ScalarQ2K.Head.of(of(scales, block), of(mins, block));
        }
        write(x, from, blocks, out, at);
    }

    @Override
    public void weightedBlocks(
            float[] x, int from, float[] importance, int importanceFrom, int blocks, byte[] out, int at) {
        LaneColumns.fill(importance, importanceFrom, SUB, blocks * SUB_BLOCKS, lanes.importances());
        for (int block = 0; block < blocks; block++) {
            float squares = ScalarWeights.squares(x, from + block * ELEMENTS, ELEMENTS);
            lanes.variance(block * SUB_BLOCKS, (block + 1) * SUB_BLOCKS, squares / ELEMENTS);
        }
        search(x, from, blocks);
        lanes.sums(sums);
        for (int block = 0; block < blocks; block++) {
            heads[block] = ScalarQ2K.Head.weighted(of(scales, block), of(mins, block), of(sums, block));
        }
        write(x, from, blocks, out, at);
    }

    private void search(float[] x, int from, int blocks) {
        LaneColumns.fill(x, from, SUB, blocks * SUB_BLOCKS, lanes.columns());
        lanes.run(blocks * SUB_BLOCKS);
        lanes.scales(scales);
        lanes.negatedMins(mins);
    }

    private static float[] of(float[] columns, int block) {
        return Arrays.copyOfRange(columns, block * SUB_BLOCKS, (block + 1) * SUB_BLOCKS);
    }

    private void write(float[] x, int from, int blocks, byte[] out, int at) {
        for (int j = 0; j < blocks * SUB_BLOCKS; j++) {
            scales[j] = heads[j / SUB_BLOCKS].scale(j % SUB_BLOCKS);
            mins[j] = heads[j / SUB_BLOCKS].min(j % SUB_BLOCKS);
        }
        LaneFinalCodes.affine(x, from, SUB, blocks * SUB_BLOCKS, scales, mins, ScalarQ2K.TOP, codes);
        if (LaneFinalCodes.anyZero(scales, blocks * SUB_BLOCKS)) {
            LaneFinalCodes.keep(lanes.codes(), SUB, blocks * SUB_BLOCKS, scales, codes);
        }
        for (int block = 0; block < blocks; block++) {
            int start = at + block * bytes();
            heads[block].write(out, start);
            LanePacking.pairs(codes, block * ELEMENTS, out, start + 16);
        }
    }
}
