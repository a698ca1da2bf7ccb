package io.millrace.models.evaluation;

import java.util.Arrays;

/**
 * What one window says, one entry per scored position.
 *
 * @param originalLoss negative log-likelihood of the true next token under the original, nats
 * @param candidateLoss likewise under the candidate
 * @param divergence KL(original ‖ candidate) of the next-token distributions, nats
 * @param sameTop 1 where both models prefer the same token, else 0
 */
@SuppressWarnings("ArrayRecordComponent")
record WindowScores(double[] originalLoss, double[] candidateLoss, double[] divergence, double[] sameTop) {
    WindowScores {
        if (originalLoss.length == 0
                || candidateLoss.length != originalLoss.length
                || divergence.length != originalLoss.length
                || sameTop.length != originalLoss.length) {
            throw new IllegalArgumentException("a window's scores must be of one length, and at least 1");
        }
    }

    int positions() {
        return originalLoss.length;
    }

    boolean originalFinite() {
        return Arrays.stream(originalLoss).allMatch(Double::isFinite);
    }

    /** True if every number is one: a model with broken weights gives NaN. */
    boolean finite() {
        for (int i = 0; i < originalLoss.length; i++) {
            if (!Double.isFinite(originalLoss[i] + candidateLoss[i] + divergence[i])) {
                return false;
            }
        }
        return true;
    }
}
