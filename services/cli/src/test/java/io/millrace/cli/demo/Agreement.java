package io.millrace.cli.demo;

import java.util.Locale;

/**
 * How far one set of logits is from another, over the positions of some windows.
 *
 * @param klMean mean KL(expected ‖ found) of the next-token distributions, nats
 * @param sameTop share of positions at which both prefer the same token
 * @param largest largest difference of two logits, in standard deviations of the expected logits
 * @param deviation that standard deviation
 */
record Agreement(double klMean, double sameTop, int positions, double largest, double deviation) {
    /** Logits [windows][tokens][vocabulary]. */
    static Agreement of(float[][][] found, float[][][] expected) {
        double divergence = 0;
        int same = 0;
        int positions = 0;
        double difference = 0;
        double sum = 0;
        double squares = 0;
        long numbers = 0;
        for (int window = 0; window < expected.length; window++) {
            for (int position = 0; position < expected[window].length; position++) {
                float[] q = found[window][position];
                float[] p = expected[window][position];
                divergence += divergence(p, q);
                same += top(p) == top(q) ? 1 : 0;
                positions++;
                for (int i = 0; i < p.length; i++) {
                    difference = Math.max(difference, Math.abs((double) p[i] - q[i]));
                    sum += p[i];
                    squares += (double) p[i] * p[i];
                    numbers++;
                }
            }
        }
        double mean = sum / numbers;
        double deviation = Math.sqrt(squares / numbers - mean * mean);
        return new Agreement(
                divergence / positions, (double) same / positions, positions, difference / deviation, deviation);
    }

    private static double divergence(float[] p, float[] q) {
        double pNorm = logSum(p);
        double qNorm = logSum(q);
        double sum = 0;
        for (int i = 0; i < p.length; i++) {
            double logP = p[i] - pNorm;
            sum += Math.exp(logP) * (logP - (q[i] - qNorm));
        }
        return sum;
    }

    private static double logSum(float[] logits) {
        double largest = logits[top(logits)];
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - largest);
        }
        return largest + Math.log(sum);
    }

    private static int top(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            best = logits[i] > logits[best] ? i : best;
        }
        return best;
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "mean KL %.2e nat, same top token %.2f %%, %d positions, largest logit difference %.2e of the"
                        + " deviation %.2f",
                klMean,
                100 * sameTop,
                positions,
                largest,
                deviation);
    }
}
