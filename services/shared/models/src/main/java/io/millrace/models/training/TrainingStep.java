package io.millrace.models.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.millrace.models.CausalLanguageModel;
import io.millrace.models.LayerWatch;
import io.millrace.models.TensorRuntime;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/** Forward, loss, backward, clip, AdamW: one step, after which only weights, moments and the count are left. */
final class TrainingStep implements AutoCloseable {
    private final TensorRuntime runtime = TensorRuntime.start();
    private final CausalLanguageModel model;
    private final OptimizerSettings settings;
    private final long steps;
    private final AdamW optimizer;
    private long done;

    TrainingStep(CausalLanguageModel model, OptimizerSettings settings, long steps, KeptZeros keptZeros) {
        this.model = model;
        this.settings = settings;
        this.steps = steps;
        optimizer = new AdamW(model.parameters(), settings, keptZeros);
    }

    /** The parts of a loss, all scalars; what is absent is not computed. */
    record Loss(
            NDArray total,
            @Nullable NDArray crossEntropy,
            @Nullable NDArray divergence) {}

    /** From the student's logits [batch, length, vocabulary] to the loss; called while gradients are recorded. */
    @FunctionalInterface
    interface Objective {
        Loss of(NDArray logits);
    }

    long done() {
        return done;
    }

    AdamW optimizer() {
        return optimizer;
    }

    /**
     * @param work the scope of this step, where {@code objective} keeps its own tensors too
     * @param shown token ids [batch][length]
     * @param watch sees the layers of the forward pass; the weights are as before where it ends the step
     */
    <E extends Exception> StepReport run(NDManager work, int[][] shown, Objective objective, LayerWatch<E> watch)
            throws E {
        Object[] found = new Object[1];
        NDArray tokens = model.tokens(work, shown);
        runtime.withGradients(collector -> {
            NDArray logits = model.forward(tokens, watch);
            Loss loss = objective.of(logits);
            logits.close();
            collector.backward(loss.total());
            found[0] = loss;
        });
        Loss loss = (Loss) found[0];
        double total = loss.total().getFloat();
        double norm = optimizer.gradientNorm();
        long step = done + 1;
        if (!Double.isFinite(total) || !Double.isFinite(norm)) {
            throw new DivergedException(step, total, norm);
        }
        double rate = settings.rate(step, steps);
        optimizer.update(step, rate, norm);
        done = step;
        return new StepReport(step, total, value(loss.crossEntropy()), value(loss.divergence()), rate, norm);
    }

    private static OptionalDouble value(@Nullable NDArray scalar) {
        return scalar == null ? OptionalDouble.empty() : OptionalDouble.of(scalar.getFloat());
    }

    void resumeAt(long step) {
        done = step;
    }

    @Override
    public void close() {
        optimizer.close();
    }
}
