package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.kernel.gguf.LaneAffineSearch.Weighing;

/** {@link ScalarAffineBlocks}, as many super-blocks at a time as fill the columns of a batch. */
final class LaneAffineBlocks {
    private static final int COLUMNS = LanePass.COLUMNS;
    private static final int ELEMENTS = ScalarAffineBlocks.ELEMENTS;
    private static final int SUB_BLOCKS = ScalarAffineBlocks.SUB_BLOCKS;
    private static final int AT_ONCE = COLUMNS / SUB_BLOCKS;

    private final boolean fifthBit;
    private final int blockBytes;
    private final LaneAffineSearch lanes;
    private final float[] scales = new float[COLUMNS];
    private final float[] mins = new float[COLUMNS];
    private final float[] sums = new float[COLUMNS];
    private final int[] codes = new int[AT_ONCE * ELEMENTS];
    private final AffinePacking[] packings = new AffinePacking[AT_ONCE];

    private LaneAffineBlocks(ScalarAffineSearch search, Weighing weighing, int blockBytes) {
        this.fifthBit = search.top() > 15;
        this.lanes = new LaneAffineSearch(search, weighing);
        this.blockBytes = blockBytes;
    }

    static LaneAffineBlocks plain(ScalarAffineSearch search, int blockBytes) {
        return new LaneAffineBlocks(search, Weighing.SPREAD, blockBytes);
    }

    /** For {@link #quantize(float[], int, int, float[], int, byte[], int)}. */
    static LaneAffineBlocks weighted(int top, int blockBytes) {
        return new LaneAffineBlocks(ScalarAffineSearch.weighted(32, top), Weighing.IMPORTANCE, blockBytes);
    }

    /** Quantizes x[from, from + elements) to super-blocks at out[at …]. */
    void quantize(float[] x, int from, int elements, byte[] out, int at) {
        for (int done = 0; done < elements; done += AT_ONCE * ELEMENTS) {
            int blocks = Math.min(AT_ONCE, (elements - done) / ELEMENTS);
            search(x, from + done, blocks * SUB_BLOCKS);
            for (int block = 0; block < blocks; block++) {
                packings[block] = AffinePacking.of(scales, mins, block * SUB_BLOCKS);
            }
            write(x, from + done, blocks, out, at + done / ELEMENTS * blockBytes);
        }
    }

    /** The same with an importance for each element. */
    void quantize(float[] x, int from, int elements, float[] importance, int importanceFrom, byte[] out, int at) {
        for (int done = 0; done < elements; done += AT_ONCE * ELEMENTS) {
            int blocks = Math.min(AT_ONCE, (elements - done) / ELEMENTS);
            int columns = blocks * SUB_BLOCKS;
            LaneColumns.fill(importance, importanceFrom + done, lanes.elements(), columns, lanes.importances());
            for (int block = 0; block < blocks; block++) {
                float squares = ScalarWeights.squares(x, from + done + block * ELEMENTS, ELEMENTS);
                lanes.variance(block * SUB_BLOCKS, (block + 1) * SUB_BLOCKS, 2 * squares / ELEMENTS);
            }
            search(x, from + done, columns);
            lanes.sums(sums);
            for (int block = 0; block < blocks; block++) {
                packings[block] = AffinePacking.weighted(scales, mins, sums, block * SUB_BLOCKS);
            }
            write(x, from + done, blocks, out, at + done / ELEMENTS * blockBytes);
        }
    }

    private void search(float[] x, int from, int columns) {
        LaneColumns.fill(x, from, lanes.elements(), columns, lanes.columns());
        lanes.run(columns);
        lanes.scales(scales);
        lanes.negatedMins(mins);
    }

    private void write(float[] x, int from, int blocks, byte[] out, int at) {
        for (int j = 0; j < blocks * SUB_BLOCKS; j++) {
            scales[j] = packings[j / SUB_BLOCKS].scale(j % SUB_BLOCKS);
            mins[j] = packings[j / SUB_BLOCKS].min(j % SUB_BLOCKS);
        }
        int count = blocks * SUB_BLOCKS;
        LaneFinalCodes.affine(x, from, lanes.elements(), count, scales, mins, fifthBit ? 31 : 15, codes);
        if (LaneFinalCodes.anyZero(scales, count)) {
            LaneFinalCodes.keep(lanes.codes(), lanes.elements(), count, scales, codes);
        }
        for (int block = 0; block < blocks; block++) {
            packings[block].writeHead(out, at + block * blockBytes);
            encode(block * ELEMENTS, out, at + block * blockBytes + AffinePacking.HEAD_BYTES);
        }
    }

    private void encode(int from, byte[] out, int at) {
        if (fifthBit) {
            LanePacking.bits(codes, from, 4, out, at);
            LanePacking.nibbles(codes, from, out, at + 32);
        } else {
            LanePacking.nibbles(codes, from, out, at);
        }
    }
}
