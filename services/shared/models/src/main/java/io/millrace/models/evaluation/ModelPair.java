package io.millrace.models.evaluation;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.millrace.models.LayerwisePass;
import io.millrace.models.LogitHead;
import io.millrace.models.NativeHeap;
import io.millrace.models.TensorRuntime;
import io.millrace.models.WorkProgress;
import io.millrace.tensors.WeightSource;
import java.io.IOException;
import java.util.Arrays;

/**
 * Two models that score the same windows, neither of them ever whole in memory: the windows pass through the layers of the
 * one, then of the other; the heads come last, both at once. So it takes one layer, or two heads, and the hidden states of
 * a group of windows.
 */
final class ModelPair {
    /** Each group of windows more reads both models once more. */
    private static final long STATES_AT_ONCE = 512L << 20;

    private final WeightSource original;
    private final WeightSource candidate;
    private final long tokensAtOnce;

    ModelPair(WeightSource original, WeightSource candidate) {
        this(original, candidate, STATES_AT_ONCE);
    }

    /** @param statesAtOnce bytes of hidden states of one model */
    ModelPair(WeightSource original, WeightSource candidate, long statesAtOnce) {
        this.original = original;
        this.candidate = candidate;
        int hidden = Math.max(original.config().hiddenSize(), candidate.config().hiddenSize());
        this.tokensAtOnce = statesAtOnce / Float.BYTES / hidden;
    }

    /** How many windows of a length are taken at once. */
    int windowsAtOnce(int length) {
        return Math.toIntExact(Math.clamp(tokensAtOnce / length, 1, Integer.MAX_VALUE));
    }

    /** Units of progress for each window. */
    int unitsPerWindow() {
        return original.config().layerCount() + candidate.config().layerCount() + 1;
    }

    /** Scores of a group of windows, all of one length. */
    WindowScores[] score(int[][] windows, WorkProgress progress) throws IOException, InterruptedException {
        long total = (long) windows.length * unitsPerWindow();
        long ofOriginal = (long) windows.length * original.config().layerCount();
        try (NDManager scope = TensorRuntime.start().scope()) {
            NDArray[] p = scored(
                    original,
                    scope,
                    windows,
                    (done, _, what) -> progress.advance(done, total, what + " of the original"));
            NDArray[] q = scored(
                    candidate,
                    scope,
                    windows,
                    (done, _, what) -> progress.advance(ofOriginal + done, total, what + " of the candidate"));
            LogitHead first = LogitHead.load(original, scope);
            LogitHead second = LogitHead.load(candidate, scope);
            WindowScores[] scores = new WindowScores[windows.length];
            for (int window = 0; window < windows.length; window++) {
                if (Thread.interrupted()) {
                    throw new InterruptedException("the comparison was interrupted at window " + window);
                }
                scores[window] = compared(scope, first, p[window], second, q[window], windows[window]);
                progress.advance(total - windows.length + window + 1, total, "windows compared");
            }
            return scores;
        } finally {
            NativeHeap.giveBack();
        }
    }

    /** Normed hidden states of the scored positions [scored, hidden], by window. */
    private static NDArray[] scored(WeightSource model, NDManager scope, int[][] windows, WorkProgress progress)
            throws IOException, InterruptedException {
        int length = windows[0].length;
        NDArray[] scored = new NDArray[windows.length];
        try (NDManager inner = scope.newSubManager()) {
            NDArray[] hidden = new LayerwisePass(model, inner, LayerwisePass.oneByOne(windows)).finish(progress);
            NDIndex positions = new NDIndex().addIndices(0).addSliceDim(length / 2, length - 1);
            for (int window = 0; window < windows.length; window++) {
                // A copy: what is cut out of a tensor keeps all of it.
                scored[window] = hidden[window].get(positions).duplicate();
                scored[window].attach(scope);
                hidden[window].close();
            }
        }
        return scored;
    }

    private static WindowScores compared(
            NDManager scope, LogitHead first, NDArray original, LogitHead second, NDArray candidate, int[] window) {
        int from = window.length / 2;
        try (NDManager work = scope.newSubManager()) {
            original.attach(work);
            candidate.attach(work);
            NDArray p = first.apply(original).logSoftmax(-1); // [scored, vocabulary]
            NDArray q = second.apply(candidate).logSoftmax(-1);
            long[] next = Arrays.stream(window, from + 1, window.length)
                    .asLongStream()
                    .toArray();
            NDArray truth = work.create(next, new Shape(next.length, 1));
            NDArray divergence = p.exp().mul(p.sub(q)).sum(new int[] {1});
            NDArray sameTop = p.argMax(1).eq(q.argMax(1)).toType(DataType.FLOAT32, false);
            return new WindowScores(
                    numbers(p.gather(truth, 1).neg()),
                    numbers(q.gather(truth, 1).neg()),
                    // Mathematically never negative; f32 rounding may leave -1e-8 for equal models.
                    Arrays.stream(numbers(divergence))
                            .map(value -> value < 0 ? 0 : value)
                            .toArray(),
                    numbers(sameTop));
        }
    }

    private static double[] numbers(NDArray floats) {
        float[] values = floats.toFloatArray();
        double[] wide = new double[values.length];
        for (int i = 0; i < wide.length; i++) {
            wide[i] = values[i];
        }
        return wide;
    }
}
