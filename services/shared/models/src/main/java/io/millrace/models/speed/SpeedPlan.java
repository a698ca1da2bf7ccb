package io.millrace.models.speed;

/**
 * @param promptTokens tokens fed at once into an empty context
 * @param generatedTokens tokens then fed one by one
 * @param pairs measured runs of original and candidate, after one unmeasured run of each
 */
public record SpeedPlan(int threads, int promptTokens, int generatedTokens, int pairs) {
    public SpeedPlan {
        if (threads < 1 || promptTokens < 1 || generatedTokens < 1 || pairs < 1) {
            throw new IllegalArgumentException("threads " + threads + ", prompt tokens " + promptTokens
                    + ", generated tokens " + generatedTokens + ", pairs " + pairs + "; each must be at least 1");
        }
    }

    /** Positions that a model must be able to hold. */
    public int contextLength() {
        return Math.addExact(promptTokens, generatedTokens);
    }

    /** Tokens that all runs of both models feed, those to warm up included. */
    public long tokens() {
        return 2L * (pairs + 1) * contextLength();
    }
}
