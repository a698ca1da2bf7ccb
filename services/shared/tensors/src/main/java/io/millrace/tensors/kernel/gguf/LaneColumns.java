package io.millrace.tensors.kernel.gguf;

/** Sub-blocks to columns and back: element i of sub-block j at [16 · i + j]. */
final class LaneColumns {
    private static final int COLUMNS = LanePass.COLUMNS;

    private LaneColumns() {}

    /** Puts {@code count} sub-blocks of x into the first columns and zeros into the others. */
    static void fill(float[] x, int from, int elements, int count, float[] columns) {
        if (count < COLUMNS) {
            java.util.Arrays.fill(columns, 0f);
        }
        for (int j = 0; j < count; j++) {
            for (int i = 0; i < elements; i++) {
                columns[i * COLUMNS + j] = x[from + j * elements + i];
            }
        }
    }

    static void take(int[] columns, int elements, int[] codes) {
        for (int j = 0; j < COLUMNS; j++) {
            for (int i = 0; i < elements; i++) {
                codes[j * elements + i] = columns[i * COLUMNS + j];
            }
        }
    }
}
