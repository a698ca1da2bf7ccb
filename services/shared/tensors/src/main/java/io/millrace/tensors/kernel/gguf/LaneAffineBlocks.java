package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.kernel.gguf.LaneAffineSearch.Weighing;

/** {@link ScalarAffineBlocks}, two super-blocks at a time. */
final class LaneAffineBlocks {
    private static final int COLUMNS = LanePass.COLUMNS;
    private static final int ELEMENTS = ScalarAffineBlocks.ELEMENTS;
    private static final int SUB_BLOCKS = ScalarAffineBlocks.SUB_BLOCKS;

    private final boolean fifthBit;
    private final int blockBytes;
    private final LaneAffineSearch lanes;
    private final float[] scales = new float[COLUMNS];
    private final float[] mins = new float[COLUMNS];
    private final float[] sums = new float[COLUMNS];

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
        for (int done = 0; done < elements; done += 2 * ELEMENTS) {
            int blocks = Math.min(2, (elements - done) / ELEMENTS);
            LaneColumns.fill(x, from + done, lanes.elements(), blocks * SUB_BLOCKS, lanes.columns());
            lanes.run();
            lanes.scales(scales);
            lanes.negatedMins(mins);
            AffinePacking first = AffinePacking.of(scales, mins, 0);
            AffinePacking second = blocks == 1 ? first : AffinePacking.of(scales, mins, SUB_BLOCKS);
            write(blocks, first, second, out, at + done / ELEMENTS * blockBytes);
        }
    }

    /** The same with an importance for each element. */
    void quantize(float[] x, int from, int elements, float[] importance, int importanceFrom, byte[] out, int at) {
        for (int done = 0; done < elements; done += 2 * ELEMENTS) {
            int blocks = Math.min(2, (elements - done) / ELEMENTS);
            int columns = blocks * SUB_BLOCKS;
            LaneColumns.fill(x, from + done, lanes.elements(), columns, lanes.columns());
            LaneColumns.fill(importance, importanceFrom + done, lanes.elements(), columns, lanes.importances());
            for (int block = 0; block < blocks; block++) {
                float squares = ScalarWeights.squares(x, from + done + block * ELEMENTS, ELEMENTS);
                lanes.variance(block * SUB_BLOCKS, (block + 1) * SUB_BLOCKS, 2 * squares / ELEMENTS);
            }
            lanes.run();
            lanes.scales(scales);
            lanes.negatedMins(mins);
            lanes.sums(sums);
            AffinePacking first = AffinePacking.weighted(scales, mins, sums, 0);
            AffinePacking second = blocks == 1 ? first : AffinePacking.weighted(scales, mins, sums, SUB_BLOCKS);
            write(blocks, first, second, out, at + done / ELEMENTS * blockBytes);
        }
    }

    private void write(int blocks, AffinePacking first, AffinePacking second, byte[] out, int at) {
        for (int j = 0; j < SUB_BLOCKS; j++) {
            scales[j] = first.scale(j);
            mins[j] = first.min(j);
            scales[j + SUB_BLOCKS] = second.scale(j);
            mins[j + SUB_BLOCKS] = second.min(j);
        }
        int[] codes = lanes.codes(scales, mins);
        first.write(fifthBit, codes, 0, 1, COLUMNS, out, at);
        if (blocks == 2) {
            second.write(fifthBit, codes, SUB_BLOCKS, 1, COLUMNS, out, at + blockBytes);
        }
    }
}
