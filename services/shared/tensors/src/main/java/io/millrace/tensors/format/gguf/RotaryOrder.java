package io.millrace.tensors.format.gguf;

/**
 * The order of q and k rows: Hugging Face stores the first halves of all rotary pairs of a head, then the second halves
 * ([heads, 2, size / 2]); GGUF's llama stores the pairs interleaved ([heads, size / 2, 2]).
 */
final class RotaryOrder {
    private RotaryOrder() {}

    /** Where GGUF stores a row of Hugging Face's order. */
    static long inGguf(long row, long headSize) {
        long inHead = row % headSize;
        long half = headSize / 2;
        return row - inHead + 2 * (inHead % half) + inHead / half;
    }

    /** Copies whole heads of rows from Hugging Face's order to GGUF's. */
    static void interleave(float[] source, float[] target, int headSize, int rowLength, int rows) {
        for (int row = 0; row < rows; row++) {
            int stored = (int) inGguf(row, headSize);
            System.arraycopy(source, row * rowLength, target, stored * rowLength, rowLength);
        }
    }
}
