package io.millrace.tensors.kernel.gguf;

/** Sub-blocks to columns and back: element i of sub-block j at [COLUMNS · i + j]. */
final class LaneColumns {
    private static final int COLUMNS = LanePass.COLUMNS;
    private static final int TOGETHER = 8;

    private LaneColumns() {}

    /** Puts {@code count} sub-blocks of x, of a multiple of 8 elements, into the first columns and zeros into the others. */
    static void fill(float[] x, int from, int elements, int count, float[] columns) {
        if (count < COLUMNS) {
            java.util.Arrays.fill(columns, 0f);
        }
        for (int i = 0; i < elements; i += TOGETHER) {
            for (int j = 0; j < count; j++) {
                scatter(x, from + j * elements + i, columns, i * COLUMNS + j);
            }
        }
    }

    /** Written out: as an inner loop it spends as much on its beginning and end as on the numbers. */
    private static void scatter(float[] x, int from, float[] columns, int at) {
        columns[at] = x[from];
        columns[at + COLUMNS] = x[from + 1];
        columns[at + 2 * COLUMNS] = x[from + 2];
        columns[at + 3 * COLUMNS] = x[from + 3];
        columns[at + 4 * COLUMNS] = x[from + 4];
        columns[at + 5 * COLUMNS] = x[from + 5];
        columns[at + 6 * COLUMNS] = x[from + 6];
        columns[at + 7 * COLUMNS] = x[from + 7];
    }

    /** Puts the first {@code count} columns one behind the other. */
    static void take(int[] columns, int elements, int count, int[] codes) {
        for (int j = 0; j < count; j++) {
            for (int i = 0; i < elements; i++) {
                codes[j * elements + i] = columns[i * COLUMNS + j];
            }
        }
    }
}
