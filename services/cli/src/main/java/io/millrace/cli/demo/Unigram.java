package io.millrace.cli.demo;

import java.nio.charset.StandardCharsets;

/** The humblest language model: how often each byte occurs, whatever came before. What a trained model must beat. */
final class Unigram {
    private Unigram() {}

    /** Perplexity per byte of {@code text} under byte frequencies of {@code training}, each seen once more than it was. */
    static double perplexity(String training, String text) {
        long[] counts = new long[256];
        java.util.Arrays.fill(counts, 1);
        byte[] seen = training.getBytes(StandardCharsets.UTF_8);
        for (byte value : seen) {
            counts[value & 0xFF]++;
        }
        double total = seen.length + 256.0;
        double sum = 0;
        byte[] read = text.getBytes(StandardCharsets.UTF_8);
        for (byte value : read) {
            sum -= Math.log(counts[value & 0xFF] / total);
        }
        return Math.exp(sum / read.length);
    }
}
