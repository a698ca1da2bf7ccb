package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.GgufType;
import java.util.Arrays;

/** {@link ScalarQ6K} with the sub-blocks of super-blocks in lanes. */
final class LaneQ6K implements LaneSuperBlocks {
    private final LaneSymmetricSearch lanes = new LaneSymmetricSearch(ScalarSymmetricSearch.Q6_K, SUB);
    private final float[] scales = new float[LanePass.COLUMNS];
    private final boolean[] tiny = new boolean[AT_ONCE];
    private final int[] codes = new int[AT_ONCE * ELEMENTS];

    @Override
    public int bytes() {
        return GgufType.Q6_K.blockBytes();
    }

    @Override
    public void plainBlocks(float[] x, int from, int blocks, byte[] out, int at) {
        lanes.use(blocks * SUB_BLOCKS);
        LaneColumns.fill(x, from, SUB, blocks * SUB_BLOCKS, lanes.columns());
        lanes.weighBySquares();
        write(x, from, blocks, out, at);
    }

    /** The importance is the weight. */
    @Override
    public void weightedBlocks(
            float[] x, int from, float[] importance, int importanceFrom, int blocks, byte[] out, int at) {
        lanes.use(blocks * SUB_BLOCKS);
        LaneColumns.fill(x, from, SUB, blocks * SUB_BLOCKS, lanes.columns());
        LaneColumns.fill(importance, importanceFrom, SUB, blocks * SUB_BLOCKS, lanes.importances());
        write(x, from, blocks, out, at);
    }

    private void write(float[] x, int from, int blocks, byte[] out, int at) {
        lanes.run();
        lanes.scales(scales);
        for (int block = 0; block < blocks; block++) {
            float largest = ScalarBlocks32.signedLargest(scales, block * SUB_BLOCKS, SUB_BLOCKS);
            tiny[block] = Math.abs(largest) < ScalarSymmetricSearch.TINY;
            writeScales(block * SUB_BLOCKS, -128f / largest, out, at + block * bytes());
        }
        LaneFinalCodes.symmetric(x, from, SUB, blocks * SUB_BLOCKS, scales, ScalarQ6K.HALF, codes);
        if (LaneFinalCodes.anyZero(scales, blocks * SUB_BLOCKS)) {
            LaneFinalCodes.keep(lanes.codes(), SUB, blocks * SUB_BLOCKS, scales, codes);
        }
        for (int block = 0; block < blocks; block++) {
            int start = at + block * bytes();
            if (tiny[block]) {
                Arrays.fill(out, start, start + bytes(), (byte) 0);
            } else {
                LanePacking.sixes(codes, block * ELEMENTS, out, start);
            }
        }
    }

    /** Writes the scales of a super-block and puts what they mean to a reader in their place. */
    private void writeScales(int from, float inverse, byte[] out, int at) {
        short d = Float.floatToFloat16(1 / inverse);
        for (int j = 0; j < SUB_BLOCKS; j++) {
            byte scale = (byte) Math.min(127, Rounding.nearest(inverse * scales[from + j]));
            out[at + 192 + j] = scale;
            scales[from + j] = Float.float16ToFloat(d) * scale;
        }
        out[at + 208] = (byte) d;
        out[at + 209] = (byte) (d >> 8);
    }
}
