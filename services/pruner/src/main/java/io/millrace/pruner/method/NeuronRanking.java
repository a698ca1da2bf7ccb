package io.millrace.pruner.method;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Ranks the feed-forward neurons of one layer. The importance of neuron i is the sum of the squares of row i of gate, row
 * i of up and column i of down: all the weights that leave with it. Sums are doubles in the order of the elements, so the
 * ranking is the same everywhere.
 */
final class NeuronRanking {
    private final double[] importance;

    NeuronRanking(int neurons) {
        importance = new double[neurons];
    }

    /**
     * Adds rows [count, rowLength] f32 of gate or up, the first of which is row {@code first}; where one matrix holds
     * gate and then up, the rows of up belong to the same neurons again.
     */
    void addRows(MemorySegment rows, int first, int count, int rowLength) {
        for (int row = 0; row < count; row++) {
            double sum = 0;
            for (int column = 0; column < rowLength; column++) {
                double weight = rows.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, (long) row * rowLength + column);
                sum += weight * weight;
            }
            importance[(first + row) % importance.length] += sum;
        }
    }

    /** Adds rows [count, neurons] f32 of down: each column belongs to a neuron. */
    void addColumns(MemorySegment rows, int count) {
        for (int row = 0; row < count; row++) {
            for (int neuron = 0; neuron < importance.length; neuron++) {
                double weight =
                        rows.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, (long) row * importance.length + neuron);
                importance[neuron] += weight * weight;
            }
        }
    }

    /** The {@code keep} most important neurons in ascending order; of equals the first stays. */
    int[] strongest(int keep) {
        Integer[] order = new Integer[importance.length];
        Arrays.setAll(order, i -> i);
        Arrays.sort(order, (a, b) -> {
            int byImportance = Double.compare(importance[b], importance[a]);
            return byImportance != 0 ? byImportance : Integer.compare(a, b);
        });
        return Arrays.stream(order, 0, keep)
                .mapToInt(Integer::intValue)
                .sorted()
                .toArray();
    }
}
