package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.GgufType;

/** {@link ScalarQ3K} with the sub-blocks of super-blocks in lanes. */
final class LaneQ3K implements LaneSuperBlocks {
    private final LaneSymmetricSearch lanes = new LaneSymmetricSearch(ScalarSymmetricSearch.Q3_K, SUB);
    private final LaneScaleSearch ofScales = new LaneScaleSearch(ScalarQ3K.SCALE_HALF);
    private final float[] scales = new float[LanePass.COLUMNS];
    private final float[] sums = new float[LanePass.COLUMNS];
    private final short[] steps = new short[AT_ONCE];
    private final int[] scaleCodes = new int[LanePass.COLUMNS];
    private final int[] codes = new int[AT_ONCE * ELEMENTS];

    @Override
    public int bytes() {
        return GgufType.Q3_K.blockBytes();
    }

    @Override
    public void plainBlocks(float[] x, int from, int blocks, byte[] out, int at) {
        lanes.use(blocks * SUB_BLOCKS);
        LaneColumns.fill(x, from, SUB, blocks * SUB_BLOCKS, lanes.columns());
        lanes.weighBySquares();
        lanes.runByImproving(ScalarQ3K.PASSES);
        lanes.scales(scales);
        for (int block = 0; block < blocks; block++) {
            steps[block] = ScalarQ3K.scaleCodes(scales, block * SUB_BLOCKS, scaleCodes);
        }
        write(x, from, blocks, out, at);
    }

    @Override
    public void weightedBlocks(
            float[] x, int from, float[] importance, int importanceFrom, int blocks, byte[] out, int at) {
        lanes.use(blocks * SUB_BLOCKS);
        LaneColumns.fill(x, from, SUB, blocks * SUB_BLOCKS, lanes.columns());
        LaneColumns.fill(importance, importanceFrom, SUB, blocks * SUB_BLOCKS, lanes.importances());
        for (int block = 0; block < blocks; block++) {
            float squares = ScalarWeights.squares(x, from + block * ELEMENTS, ELEMENTS);
            lanes.variance(block * SUB_BLOCKS, (block + 1) * SUB_BLOCKS, 2 * squares / ELEMENTS);
        }
        lanes.weighByImportance();
        lanes.run();
        lanes.scales(scales);
        lanes.sums(sums);
        for (int block = 0; block < blocks; block++) {
            float step = ofScales.fit(scales, sums, block * SUB_BLOCKS, SUB_BLOCKS, scaleCodes);
            steps[block] = Float.floatToFloat16(step);
        }
        write(x, from, blocks, out, at);
    }

    private void write(float[] x, int from, int blocks, byte[] out, int at) {
        for (int j = 0; j < blocks * SUB_BLOCKS; j++) {
            scales[j] = Float.float16ToFloat(steps[j / SUB_BLOCKS]) * (scaleCodes[j] - ScalarQ3K.SCALE_HALF);
        }
        LaneFinalCodes.symmetric(x, from, SUB, blocks * SUB_BLOCKS, scales, ScalarQ3K.HALF, codes);
        if (LaneFinalCodes.anyZero(scales, blocks * SUB_BLOCKS)) {
            LaneFinalCodes.keep(lanes.codes(), SUB, blocks * SUB_BLOCKS, scales, codes);
        }
        for (int block = 0; block < blocks; block++) {
            int start = at + block * bytes();
            LanePacking.bits(codes, block * ELEMENTS, 2, out, start);
            LanePacking.pairs(codes, block * ELEMENTS, out, start + 32);
            ScalarQ3K.writeScales(steps[block], scaleCodes, block * SUB_BLOCKS, out, start);
        }
    }
}
