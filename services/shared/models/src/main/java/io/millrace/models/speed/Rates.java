package io.millrace.models.speed;

/** One run of one model, tokens per second. */
public record Rates(double promptPerSecond, double generationPerSecond) {
    static Rates of(int promptTokens, long promptNanos, int generatedTokens, long generationNanos) {
        return new Rates(promptTokens * 1e9 / promptNanos, generatedTokens * 1e9 / generationNanos);
    }
}
