package io.millrace.pruner.method;

import java.util.Arrays;
import java.util.stream.IntStream;

/** Ranks the feed-forward neurons of one layer. */
record NeuronRanking(
        @SuppressWarnings("ArrayRecordComponent") double[] importance) {
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

    /** Which share of all importance these neurons have; 1 where nothing has any. */
    double share(int[] neurons) {
        double all = Arrays.stream(importance).sum();
        double ofThese = IntStream.of(neurons).mapToDouble(i -> importance[i]).sum();
        return all == 0 ? 1 : Math.min(1, ofThese / all);
    }
}
