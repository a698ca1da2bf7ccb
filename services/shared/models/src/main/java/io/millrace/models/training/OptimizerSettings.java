package io.millrace.models.training;

/**
 * How weights follow their gradients.
 *
 * @param learningRate highest rate, reached after the warm-up
 * @param warmUpSteps steps over which the rate rises from 0
 * @param finalShare share of the highest rate that is left at the last step
 * @param weightDecay AdamW's decoupled decay, of matrices only
 * @param clipNorm largest norm of all gradients together; longer ones are scaled down
 */
public record OptimizerSettings(
        double learningRate,
        int warmUpSteps,
        double finalShare,
        double beta1,
        double beta2,
        double epsilon,
        double weightDecay,
        double clipNorm) {
    public OptimizerSettings {
        if (!(learningRate > 0) || !(clipNorm > 0) || !(epsilon > 0)) {
            throw new IllegalArgumentException("learning rate " + learningRate + ", clip norm " + clipNorm
                    + ", epsilon " + epsilon + "; each must be above 0");
        }
        if (warmUpSteps < 0 || !(finalShare >= 0 && finalShare <= 1) || !(weightDecay >= 0)) {
            throw new IllegalArgumentException("warm-up steps " + warmUpSteps + ", final share " + finalShare
                    + ", weight decay " + weightDecay + "; expected at least 0, and a share of at most 1");
        }
        if (!(beta1 >= 0 && beta1 < 1) || !(beta2 >= 0 && beta2 < 1)) {
            throw new IllegalArgumentException(
                    "beta1 " + beta1 + ", beta2 " + beta2 + "; expected at least 0 and below 1");
        }
    }

    /** What small language models are commonly trained with: betas 0.9 and 0.95, decay 0.1, clip 1, a tenth left. */
    public static OptimizerSettings of(double learningRate, int warmUpSteps) {
        return new OptimizerSettings(learningRate, warmUpSteps, 0.1, 0.9, 0.95, 1e-8, 0.1, 1);
    }

    /** The rate of step 1 … {@code steps}: linear warm-up, then a half cosine down to the final share. */
    public double rate(long step, long steps) {
        if (step <= warmUpSteps) {
            return learningRate * step / warmUpSteps;
        }
        double done = Math.min(1, (double) (step - warmUpSteps) / Math.max(1, steps - warmUpSteps));
        return learningRate * (finalShare + (1 - finalShare) * (1 + Math.cos(Math.PI * done)) / 2);
    }
}
