package io.millrace.models.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.training.GradientCollector;
import io.millrace.models.CausalLanguageModel;
import io.millrace.models.LayerWatch;
import io.millrace.models.RecomputingPass;
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
    private final StepMemory memory;
    private long done;

    TrainingStep(
            CausalLanguageModel model, OptimizerSettings settings, long steps, KeptZeros keptZeros, StepMemory memory) {
        this.model = model;
        this.settings = settings;
        this.steps = steps;
        this.memory = memory;
        optimizer = new AdamW(model.parameters(), settings, keptZeros);
    }

    /** The parts of a loss, all scalars; what is absent is not computed. */
    record Loss(
            NDArray total,
            @Nullable NDArray crossEntropy,
            @Nullable NDArray divergence) {}

    /** From logits to a loss that is a mean over their positions; called while gradients are recorded. */
    @FunctionalInterface
    interface Objective {
        /**
         * @param logits of the positions [from, to) of all batch · length, [to - from, vocabulary]; results belong into
         *     their scope
         */
        Loss of(NDArray logits, int from, int to);
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
        Sums sums = new Sums();
        NDArray tokens = model.tokens(work, shown);
        if (memory.recompute()) {
            RecomputingPass pass = RecomputingPass.of(model, tokens, watch);
            NDArray hidden = pass.hidden();
            runtime.withGradients(collector -> pass.backward(backThroughHead(hidden, objective, collector, sums)));
        } else {
            runtime.withGradients(collector -> {
                NDArray hidden = model.hidden(tokens, null, watch);
                TensorRuntime.backward(hidden, backThroughHead(hidden, objective, collector, sums));
            });
        }
        double total = sums.total;
        double norm = optimizer.gradientNorm();
        long step = done + 1;
        if (!Double.isFinite(total) || !Double.isFinite(norm)) {
            throw new DivergedException(step, total, norm);
        }
        double rate = settings.rate(step, steps);
        optimizer.update(step, rate, norm);
        done = step;
        return new StepReport(step, total, sums.crossEntropy, sums.divergence, rate, norm);
    }

    /**
     * The gradient of the last hidden states, shaped as they are; that of the head is added to its weights. Logits are made
     * for a block of positions at a time: with a large vocabulary they, and the tensors of their size that a loss and its
     * gradient take, would be most of a step's memory.
     */
    private NDArray backThroughHead(NDArray hidden, Objective objective, GradientCollector collector, Sums sums) {
        NDArray rows = hidden.stopGradient().reshape(-1, model.config().hiddenSize());
        rows.setRequiresGradient(true);
        int count = Math.toIntExact(rows.getShape().get(0));
        for (int from = 0; from < count; from += memory.positionsAtOnce()) {
            int to = Math.min(count, from + memory.positionsAtOnce());
            try (NDManager block = hidden.getManager().newSubManager()) {
                NDArray part = rows.get(new NDIndex().addSliceDim(from, to));
                part.attach(block);
                Loss loss = objective.of(model.head(part), from, to);
                double share = (to - from) / (double) count;
                collector.backward(share == 1 ? loss.total() : Losses.scaled(loss.total(), share));
                sums.add(loss, share);
            }
        }
        return rows.getGradient().reshape(hidden.getShape());
    }

    /** Of all blocks so far. */
    private static final class Sums {
        private double total;
        private OptionalDouble crossEntropy = OptionalDouble.empty();
        private OptionalDouble divergence = OptionalDouble.empty();

        void add(Loss loss, double share) {
            total += share * loss.total().getFloat();
            crossEntropy = sum(crossEntropy, loss.crossEntropy(), share);
            divergence = sum(divergence, loss.divergence(), share);
        }

        private static OptionalDouble sum(OptionalDouble before, @Nullable NDArray scalar, double share) {
            return scalar == null
                    ? OptionalDouble.empty()
                    : OptionalDouble.of(before.orElse(0) + share * scalar.getFloat());
        }
    }

    void resumeAt(long step) {
        done = step;
    }

    @Override
    public void close() {
        optimizer.close();
    }
}
