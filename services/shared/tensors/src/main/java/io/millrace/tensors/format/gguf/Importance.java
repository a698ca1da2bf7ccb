package io.millrace.tensors.format.gguf;

import java.util.Arrays;

/**
 * How strongly each column of a tensor's matrices is used. A stack of matrices has a row of importances for each; all
 * other tensors have one.
 */
final class Importance {
    private final float[] values;
    private final int rowLength;

    Importance(float[] values, int rowLength) {
        this.values = values;
        this.rowLength = rowLength;
    }

    float[] values() {
        return values;
    }

    /** Where the importances for a row of the tensor begin. */
    int at(long row, long rows) {
        long matrices = values.length / rowLength;
        return Math.toIntExact(row / (rows / matrices) * rowLength);
    }

    /** Runs of {@code subBlock} columns, all of importance 0, that {@link #withoutZeros} fills. */
    int zeroSubBlocks(int subBlock) {
        int zeros = 0;
        for (int from = 0; from < values.length; from += subBlock) {
            zeros += zero(from, subBlock) ? 1 : 0;
        }
        return zeros;
    }

    /** Ones where all columns of a sub-block have importance 0: the searches would store such weights as zeros. */
    Importance withoutZeros(int subBlock) {
        if (zeroSubBlocks(subBlock) == 0) {
            return this; // Of many experts a copy is hundreds of megabytes.
        }
        float[] filled = values.clone();
        for (int from = 0; from < values.length; from += subBlock) {
            if (zero(from, subBlock)) {
                Arrays.fill(filled, from, from + subBlock, 1f);
            }
        }
        return new Importance(filled, rowLength);
    }

    private boolean zero(int from, int count) {
        for (int i = from; i < from + count; i++) {
            if (values[i] != 0) {
                return false;
            }
        }
        return true;
    }
}
