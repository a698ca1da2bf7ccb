package io.millrace.models.training;

import io.millrace.models.AvailableMemory;
import io.millrace.tensors.architecture.ModelConfig;

/**
 * How a training step is made so that it fits into memory. Of these only {@code positionsAtOnce} shows in the results, in
 * their last bits, and it depends on nothing but the vocabulary.
 *
 * @param positionsAtOnce whose logits are made together
 * @param recompute whether layers are computed again for their gradients, instead of keeping all that those need
 * @param bytes that it takes, about
 */
record StepMemory(int positionsAtOnce, boolean recompute, long bytes) {
    private static final int LOGITS_AT_ONCE = 1 << 24; // 64 MiB
    private static final int TENSORS_LIKE_LOGITS = 6;
    private static final int TENSORS_LIKE_WEIGHTS = 4; // weights, gradients, two moments
    private static final double COMFORTABLE = 0.8;

    /** Of a model that is loaded already. */
    static StepMemory plenty(ModelConfig config) {
        return new StepMemory(positionsAtOnce(config), false, 0);
    }

    /**
     * @param head elements of the teacher's head
     * @throws io.millrace.models.NotEnoughMemoryException if not even a step that computes its layers twice fits
     */
    static StepMemory ofDistillation(ModelConfig student, long head, TrainingSettings settings, long available) {
        long fixed = Float.BYTES * (TENSORS_LIKE_WEIGHTS * parameters(student) + head);
        long layer = layer(student, settings);
        AvailableMemory.require(
                fixed + layer,
                available,
                String.format(
                        "distill a model of %,d parameters with %d sequences of %d tokens a step",
                        parameters(student), settings.batch(), settings.length()));
        long logits = (long) Float.BYTES * TENSORS_LIKE_LOGITS * LOGITS_AT_ONCE;
        long all = fixed + logits + layer * student.layerCount();
        return all < COMFORTABLE * available
                ? new StepMemory(positionsAtOnce(student), false, all)
                : new StepMemory(positionsAtOnce(student), true, fixed + layer);
    }

    private static int positionsAtOnce(ModelConfig config) {
        return Math.max(1, LOGITS_AT_ONCE / config.vocabularySize());
    }

    private static long parameters(ModelConfig config) {
        return config.architecture().tensors(config).stream()
                .mapToLong(rule -> rule.shape().elements())
                .sum();
    }

    /**
     * Bytes that a layer keeps for its gradients, about: inputs and outputs of norms, maps and products. Measured on
     * SmolLM2-135M: 26,000 numbers a token where this says 24,000.
     */
    private static long layer(ModelConfig config, TrainingSettings settings) {
        long feedForward = config.experts()
                .map(experts -> (long) experts.perToken() * experts.size())
                .orElse((long) config.feedForwardSize());
        long perToken = 20L * config.hiddenSize() + 5 * feedForward + 4L * config.headCount() * settings.length();
        return Float.BYTES * perToken * settings.batch() * settings.length();
    }
}
