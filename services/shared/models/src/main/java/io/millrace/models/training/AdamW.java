package io.millrace.models.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.millrace.models.TensorRuntime;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * AdamW (Loshchilov and Hutter, 2019, algorithm 2) over named weights, behind global-norm clipping. Runs outside the
 * gradient collector, in place, and forgets the gradients afterwards: the engine would add the next ones to them.
 */
final class AdamW implements AutoCloseable {
    private final NDManager scope;
    private final OptimizerSettings settings;
    private final Map<String, NDArray> weights;
    private final ZeroMasks masks;
    private final Map<String, NDArray> firstMoments = new LinkedHashMap<>();
    private final Map<String, NDArray> secondMoments = new LinkedHashMap<>();

    AdamW(Map<String, NDArray> weights, OptimizerSettings settings, KeptZeros keptZeros) {
        this.weights = weights;
        this.settings = settings;
        scope = TensorRuntime.start().scope();
        try {
            masks = ZeroMasks.of(weights, keptZeros, scope);
            weights.forEach((name, weight) -> {
                firstMoments.put(name, scope.zeros(weight.getShape(), weight.getDataType()));
                secondMoments.put(name, scope.zeros(weight.getShape(), weight.getDataType()));
                weight.setRequiresGradient(true);
            });
        } catch (RuntimeException | Error problem) {
            scope.close();
            throw problem;
        }
    }

    Map<String, NDArray> firstMoments() {
        return firstMoments;
    }

    Map<String, NDArray> secondMoments() {
        return secondMoments;
    }

    int maskedMatrices() {
        return masks.count();
    }

    /** Norm of all gradients together, masked. */
    double gradientNorm() {
        double squares = 0;
        for (var entry : weights.entrySet()) {
            try (NDManager work = scope.newSubManager()) {
                NDArray gradient = gradient(entry.getValue(), work);
                masks.apply(entry.getKey(), gradient);
                squares += gradient.square().sum().getFloat();
            }
        }
        return Math.sqrt(squares);
    }

    /** Moves every weight; {@code step} counts from 1. */
    void update(long step, double rate, double gradientNorm) {
        double clip = Math.min(1, settings.clipNorm() / Math.max(gradientNorm, 1e-12));
        double correction1 = 1 - Math.pow(settings.beta1(), (double) step);
        double correction2 = 1 - Math.pow(settings.beta2(), (double) step);
        weights.forEach((name, weight) -> {
            try (NDManager work = scope.newSubManager()) {
                NDArray gradient = gradient(weight, work);
                gradient.muli(clip);
                NDArray m = moment(firstMoments, name);
                NDArray v = moment(secondMoments, name);
                m.muli(settings.beta1()).addi(gradient.mul(1 - settings.beta1()));
                v.muli(settings.beta2()).addi(gradient.square().muli(1 - settings.beta2()));

                NDArray root = v.sqrt();
                root.attach(work);
                NDArray move = m.div(root.divi(Math.sqrt(correction2)).addi(settings.epsilon()));
                move.attach(work);
                if (weight.getShape().dimension() > 1) {
                    weight.muli(1 - rate * settings.weightDecay());
                }
                weight.subi(move.muli(rate / correction1));
            }
            TensorRuntime.zeroGradient(weight);
        });
    }

    /** The engine's handle would live as long as the weight does, one more per step. */
    private static NDArray gradient(NDArray weight, NDManager work) {
        NDArray gradient = weight.getGradient();
        gradient.attach(work);
        return gradient;
    }

    private static NDArray moment(Map<String, NDArray> moments, String name) {
        NDArray moment = moments.get(name);
        if (moment == null) {
            throw new IllegalStateException("no moment for '" + name + "'");
        }
        return moment;
    }

    @Override
    public void close() {
        weights.values().forEach(weight -> weight.setRequiresGradient(false));
        scope.close();
    }
}
