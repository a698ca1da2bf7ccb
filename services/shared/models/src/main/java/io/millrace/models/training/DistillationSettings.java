package io.millrace.models.training;

/**
 * @param temperature softens both distributions; 1 compares them as they are
 * @param crossEntropyWeight share of the loss that comes from the text itself, 0 to 1; the rest comes from the teacher
 */
public record DistillationSettings(
        TrainingSettings training, double temperature, double crossEntropyWeight, KeptZeros keptZeros) {
    public DistillationSettings {
        if (!(temperature > 0) || !(crossEntropyWeight >= 0 && crossEntropyWeight <= 1)) {
            throw new IllegalArgumentException("temperature " + temperature + ", cross-entropy weight "
                    + crossEntropyWeight + "; expected above 0, and 0 to 1");
        }
    }
}
