package io.millrace.models.evaluation;

/**
 * Original and candidate over the same windows.
 *
 * @param originalPerplexity exp of the original's mean negative log-likelihood
 * @param candidatePerplexity likewise
 * @param perplexityIncrease exp(mean paired difference of the log-likelihoods) − 1, e.g. 0.02 for 2 % more
 * @param perplexityIncreaseError its standard error, from the window means of the paired difference
 * @param klMean mean KL(original ‖ candidate) per position, nats
 * @param klMeanError its standard error, from the window means
 * @param klP99 99th percentile of KL over the positions, nats
 * @param sameTopToken share of positions where both prefer the same token, 0 to 1
 * @param sameTopTokenError its standard error, from the window means
 * @param windows windows compared
 * @param scoredTokens positions scored in all windows together
 */
public record QualityReport(
        double originalPerplexity,
        double candidatePerplexity,
        double perplexityIncrease,
        double perplexityIncreaseError,
        double klMean,
        double klMeanError,
        double klP99,
        double sameTopToken,
        double sameTopTokenError,
        int windows,
        int scoredTokens)
        implements Quality {
    /** Means of logarithms always are; what is raised from them may be too large for a number. */
    boolean finite() {
        return Double.isFinite(originalPerplexity + candidatePerplexity + perplexityIncrease + perplexityIncreaseError);
    }
}
