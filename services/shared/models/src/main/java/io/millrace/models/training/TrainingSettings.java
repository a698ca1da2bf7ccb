package io.millrace.models.training;

/**
 * @param steps optimizer steps in all
 * @param batch sequences per step
 * @param length tokens per sequence
 * @param seed decides which pieces of the text each step sees
 */
public record TrainingSettings(int steps, int batch, int length, OptimizerSettings optimizer, long seed) {
    public TrainingSettings {
        if (steps < 1 || batch < 1 || length < 2) {
            throw new IllegalArgumentException(
                    "steps " + steps + ", batch " + batch + ", length " + length + "; expected at least 1, 1 and 2");
        }
    }
}
