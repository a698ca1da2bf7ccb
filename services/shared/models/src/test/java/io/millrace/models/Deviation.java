package io.millrace.models;

/** How far one set of logits is from another, in standard deviations of the second. */
public final class Deviation {
    private Deviation() {}

    public static double of(float[][] found, double[][] expected) {
        double largest = 0;
        double sum = 0;
        double squares = 0;
        long count = 0;
        for (int t = 0; t < expected.length; t++) {
            for (int v = 0; v < expected[t].length; v++) {
                largest = Math.max(largest, Math.abs(found[t][v] - expected[t][v]));
                sum += expected[t][v];
                squares += expected[t][v] * expected[t][v];
                count++;
            }
        }
        double mean = sum / count;
        return largest / Math.sqrt(squares / count - mean * mean);
    }

    public static double of(float[][] found, float[][] expected) {
        double[][] wide = new double[expected.length][];
        for (int t = 0; t < expected.length; t++) {
            wide[t] = new double[expected[t].length];
            for (int v = 0; v < wide[t].length; v++) {
                wide[t][v] = expected[t][v];
            }
        }
        return of(found, wide);
    }
}
