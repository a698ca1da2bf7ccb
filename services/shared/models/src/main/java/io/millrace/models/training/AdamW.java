package io.millrace.models.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import io.millrace.models.TensorRuntime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * AdamW (Loshchilov and Hutter, 2019, algorithm 2) over named weights, behind global-norm clipping. Runs outside the
 * gradient collector, in place, and forgets the gradients afterwards: the engine would add the next ones to them.
 */
final class AdamW implements AutoCloseable {
    private static final long ELEMENTS_AT_ONCE = 1L << 24; // 64 MiB

    private final NDManager scope;
    private final OptimizerSettings settings;
    private final Map<String, NDArray> weights;
    private final ZeroMasks masks;
    private final long elementsAtOnce;
    private final Map<String, NDArray> firstMoments = new LinkedHashMap<>();
    private final Map<String, NDArray> secondMoments = new LinkedHashMap<>();

    AdamW(Map<String, NDArray> weights, OptimizerSettings settings, KeptZeros keptZeros) {
        this(weights, settings, keptZeros, ELEMENTS_AT_ONCE);
    }

    /** @param elementsAtOnce of a weight: what is computed on the way is as large */
    AdamW(Map<String, NDArray> weights, OptimizerSettings settings, KeptZeros keptZeros, long elementsAtOnce) {
        this.elementsAtOnce = elementsAtOnce;
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
                for (Rows rows : Rows.of(gradient, elementsAtOnce)) {
                    try (NDManager block = work.newSubManager()) {
                        squares += rows.in(gradient, block).square().sum().getFloat();
                    }
                }
            }
        }
        return Math.sqrt(squares);
    }

    /** Moves every weight; {@code step} counts from 1. */
    void update(long step, double rate, double gradientNorm) {
        double clip = Math.min(1, settings.clipNorm() / Math.max(gradientNorm, 1e-12));
        Move move = new Move(
                clip,
                rate,
                1 - Math.pow(settings.beta1(), (double) step),
                1 - Math.pow(settings.beta2(), (double) step));
        weights.forEach((name, weight) -> {
            try (NDManager work = scope.newSubManager()) {
                NDArray gradient = gradient(weight, work);
                for (Rows rows : Rows.of(weight, elementsAtOnce)) {
                    try (NDManager block = work.newSubManager()) {
                        move(
                                rows.in(weight, block),
                                rows.in(gradient, block),
                                rows.in(moment(firstMoments, name), block),
                                rows.in(moment(secondMoments, name), block),
                                move);
                    }
                }
            }
            TensorRuntime.zeroGradient(weight);
        });
    }

    private record Move(double clip, double rate, double correction1, double correction2) {}

    private void move(NDArray weight, NDArray gradient, NDArray m, NDArray v, Move move) {
        gradient.muli(move.clip());
        m.muli(settings.beta1()).addi(gradient.mul(1 - settings.beta1()));
        v.muli(settings.beta2()).addi(gradient.square().muli(1 - settings.beta2()));

        NDArray root = v.sqrt();
        NDArray by = m.div(root.divi(Math.sqrt(move.correction2())).addi(settings.epsilon()));
        if (weight.getShape().dimension() > 1) {
            weight.muli(1 - move.rate() * settings.weightDecay());
        }
        weight.subi(by.muli(move.rate() / move.correction1()));
    }

    /** Rows of a tensor that are worked on together. */
    private record Rows(long from, long to) {
        static List<Rows> of(NDArray tensor, long elementsAtOnce) {
            long count = tensor.getShape().get(0);
            long atOnce = Math.max(1, elementsAtOnce / Math.max(1, tensor.size() / count));
            List<Rows> blocks = new ArrayList<>();
            for (long from = 0; from < count; from += atOnce) {
                blocks.add(new Rows(from, Math.min(count, from + atOnce)));
            }
            return blocks;
        }

        /** These rows themselves, not a copy. */
        NDArray in(NDArray tensor, NDManager block) {
            NDArray rows = tensor.get(new NDIndex().addSliceDim(from, to));
            rows.attach(block);
            return rows;
        }
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
