package io.millrace.models.evaluation;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/** From the scores of equally long windows to a report. */
final class Summary {
    private Summary() {}

    static QualityReport of(List<WindowScores> windows) {
        double originalLoss = mean(means(windows, WindowScores::originalLoss));
        double candidateLoss = mean(means(windows, WindowScores::candidateLoss));
        double[] difference = means(windows, Summary::difference);
        double[] divergence = means(windows, WindowScores::divergence);
        double[] sameTop = means(windows, WindowScores::sameTop);
        double ratio = Math.exp(mean(difference));
        return new QualityReport(
                Math.exp(originalLoss),
                Math.exp(candidateLoss),
                ratio - 1,
                // The derivative of exp(d) - 1 is exp(d).
                ratio * standardError(difference),
                mean(divergence),
                standardError(divergence),
                percentile(all(windows, WindowScores::divergence), 0.99),
                mean(sameTop),
                standardError(sameTop),
                windows.size(),
                windows.stream().mapToInt(WindowScores::positions).sum());
    }

    private static double[] difference(WindowScores window) {
        double[] difference = new double[window.positions()];
        for (int i = 0; i < difference.length; i++) {
            difference[i] = window.candidateLoss()[i] - window.originalLoss()[i];
        }
        return difference;
    }

    private static double[] means(List<WindowScores> windows, Function<WindowScores, double[]> of) {
        return windows.stream().map(of).mapToDouble(Summary::mean).toArray();
    }

    private static double[] all(List<WindowScores> windows, Function<WindowScores, double[]> of) {
        return windows.stream().map(of).flatMapToDouble(Arrays::stream).toArray();
    }

    static double mean(double[] values) {
        double sum = 0;
        for (double value : values) {
            sum += value;
        }
        return sum / values.length;
    }

    /** Sample deviation / sqrt(n): how far the mean may be off when the values are independent. */
    static double standardError(double[] values) {
        double mean = mean(values);
        double squares = 0;
        for (double value : values) {
            squares += (value - mean) * (value - mean);
        }
        return Math.sqrt(squares / (values.length - 1.0) / values.length);
    }

    /** Between the two nearest ranks, linearly (numpy's default and llama-perplexity's). */
    static double percentile(double[] values, double share) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        double rank = share * (sorted.length - 1);
        int below = (int) Math.floor(rank);
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (rank - below) * (sorted[above] - sorted[below]);
    }
}
