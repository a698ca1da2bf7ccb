package io.millrace.tensors.kernel.gguf;

/** Super-blocks of 256 elements in 16 sub-blocks, as many at a time as fill the columns of a batch. */
sealed interface LaneSuperBlocks permits LaneQ2K, LaneQ3K, LaneQ6K {
    int ELEMENTS = 256;
    int SUB_BLOCKS = 16;
    int SUB = ELEMENTS / SUB_BLOCKS;
    int AT_ONCE = LanePass.COLUMNS / SUB_BLOCKS;

    /** Quantizes some super-blocks, at most {@value #AT_ONCE}, from x[from …] to out[at …]. */
    void plainBlocks(float[] x, int from, int blocks, byte[] out, int at);

    /** The same with an importance for each element. */
    void weightedBlocks(float[] x, int from, float[] importance, int importanceFrom, int blocks, byte[] out, int at);

    /** Bytes of a super-block. */
    int bytes();

    /** Quantizes x[from, from + elements) to super-blocks at out[at …]. */
    default void quantize(float[] x, int from, int elements, byte[] out, int at) {
        for (int done = 0; done < elements; done += AT_ONCE * ELEMENTS) {
            int blocks = Math.min(AT_ONCE, (elements - done) / ELEMENTS);
            plainBlocks(x, from + done, blocks, out, at + done / ELEMENTS * bytes());
        }
    }

    /** The same with an importance for each element. */
    default void quantize(
            float[] x, int from, int elements, float[] importance, int importanceFrom, byte[] out, int at) {
        for (int done = 0; done < elements; done += AT_ONCE * ELEMENTS) {
            int blocks = Math.min(AT_ONCE, (elements - done) / ELEMENTS);
            int target = at + done / ELEMENTS * bytes();
            weightedBlocks(x, from + done, importance, importanceFrom + done, blocks, out, target);
        }
    }
}
