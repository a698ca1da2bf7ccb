package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.kernel.gguf.LaneAffineSearch.Weighing;

/**
 * {@link ScalarBlocks32}'s Q4_0, Q5_0, Q4_1 and Q5_1 with importances, many blocks at a time with one in each lane. The
 * codes are those of the search.
 */
sealed interface LaneWeighted32 {
    int COLUMNS = LanePass.COLUMNS;
    int ELEMENTS = ScalarBlocks32.ELEMENTS;

    /** Q4_0 for bits = 4, Q5_0 for bits = 5. */
    static LaneWeighted32 symmetric(int bits) {
        return new Symmetric(bits);
    }

    /** Q4_1 for bits = 4, Q5_1 for bits = 5. */
    static LaneWeighted32 affine(int bits) {
        return new Affine(bits);
    }

    /** Where the caller puts the numbers, in columns. */
    float[] columns();

    /** Where the caller puts the importances, in columns. */
    float[] importances();

    /**
     * Searches the first columns and leaves the codes of each block one behind the other.
     *
     * @param blocks as many as columns
     * @param variance of the row that they are of
     */
    void search(int blocks, float variance, int[] codes);

    /** Writes the block of a column. */
    void write(int column, int[] codes, byte[] out, int at);

    /** Quantizes one row, x[from, from + elements), to blocks at out[at …]. */
    default void quantize(
            float[] x,
            int from,
            int elements,
            float[] importance,
            int importanceFrom,
            byte[] out,
            int at,
            int blockBytes) {
        float variance = ScalarWeights.squares(x, from, elements) / elements;
        int[] codes = new int[COLUMNS * ELEMENTS];
        for (int done = 0; done < elements; done += COLUMNS * ELEMENTS) {
            int blocks = Math.min(COLUMNS, (elements - done) / ELEMENTS);
            LaneColumns.fill(x, from + done, ELEMENTS, blocks, columns());
            LaneColumns.fill(importance, importanceFrom + done, ELEMENTS, blocks, importances());
            search(blocks, variance, codes);
            for (int block = 0; block < blocks; block++) {
                write(block, codes, out, at + (done / ELEMENTS + block) * blockBytes);
            }
        }
    }

    /** One scale. */
    final class Symmetric implements LaneWeighted32 {
        private final int bits;
        private final LaneSymmetricSearch lanes;
        private final float[] scales = new float[COLUMNS];

        private Symmetric(int bits) {
            this.bits = bits;
            this.lanes = new LaneSymmetricSearch(ScalarBlocks32.weighted(bits), ELEMENTS);
        }

        @Override
        public float[] columns() {
            return lanes.columns();
        }

        @Override
        public float[] importances() {
            return lanes.importances();
        }

        @Override
        public void search(int blocks, float variance, int[] codes) {
            lanes.use(blocks);
            lanes.variance(0, blocks, variance);
            lanes.weighByImportance();
            lanes.run();
            lanes.scales(scales);
            LaneColumns.take(lanes.codes(), ELEMENTS, blocks, codes);
        }

        @Override
        public void write(int column, int[] codes, byte[] out, int at) {
            ScalarBlocks32.half(scales[column], out, at);
            ScalarBlocks32.pack(bits, codes, column * ELEMENTS, out, at + 2);
        }
    }

    /** A scale and a minimum. */
    final class Affine implements LaneWeighted32 {
        private final int bits;
        private final LaneAffineSearch lanes;
        private final float[] scales = new float[COLUMNS];
        private final float[] mins = new float[COLUMNS];

        private Affine(int bits) {
            this.bits = bits;
            this.lanes =
                    new LaneAffineSearch(ScalarAffineSearch.weighted(ELEMENTS, (1 << bits) - 1), Weighing.IMPORTANCE);
        }

        @Override
        public float[] columns() {
            return lanes.columns();
        }

        @Override
        public float[] importances() {
            return lanes.importances();
        }

        @Override
        public void search(int blocks, float variance, int[] codes) {
            lanes.variance(0, blocks, variance);
            lanes.run(blocks);
            lanes.scales(scales);
            lanes.negatedMins(mins);
            LaneColumns.take(lanes.codes(), ELEMENTS, blocks, codes);
        }

        @Override
        public void write(int column, int[] codes, byte[] out, int at) {
            ScalarBlocks32.half(scales[column], out, at);
            ScalarBlocks32.half(-mins[column], out, at + 2);
            ScalarBlocks32.pack(bits, codes, column * ELEMENTS, out, at + 4);
        }
    }
}
