package io.millrace.models.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import io.millrace.models.TensorRuntime;

/**
 * Scalar losses over positions of a batch, each a mean over its positions, in nats. Tensors as large as the logits are the largest of
 * a step, so none outlives its use: what the backward pass needs the graph keeps.
 */
final class Losses {
    private Losses() {}

    /**
     * @param logits of the positions [from, to), [to - from, vocabulary]
     * @param next tokens of all positions [positions, 1] i64
     */
    static NDArray crossEntropy(NDArray logits, NDArray next, int from, int to) {
        NDManager scope = logits.getManager();
        try (NDManager inner = scope.newSubManager()) {
            NDArray truth = kept(next.get(new NDIndex().addSliceDim(from, to)), inner);
            NDArray logProbabilities = kept(logits.logSoftmax(-1), inner);
            return kept(logProbabilities.gather(truth, 1).neg().mean(), scope);
        }
    }

    /**
     * KL(teacher ‖ student) of the distributions softened by {@code temperature}, times its square, which keeps the size
     * of the gradient (Hinton et al., 2015).
     *
     * @param teacher log-probabilities at that temperature, [positions, vocabulary]
     * @param student logits of the same shape
     */
    static NDArray divergence(NDArray teacher, NDArray student, double temperature) {
        NDManager scope = student.getManager();
        try (NDManager inner = scope.newSubManager()) {
            NDArray softened = kept(softened(student, temperature), inner);
            NDArray weights = kept(teacher.exp(), inner);
            NDArray perPosition = softened.sub(teacher).mul(weights).sum(new int[] {1});
            return kept(scaled(perPosition.mean(), -temperature * temperature), scope);
        }
    }

    static NDArray scaled(NDArray loss, double factor) {
        return loss.mul(TensorRuntime.scalar(loss.getManager(), factor));
    }

    /** Log-probabilities of logits [positions, vocabulary] at a temperature. */
    static NDArray softened(NDArray logits, double temperature) {
        NDManager scope = logits.getManager();
        try (NDManager inner = scope.newSubManager()) {
            NDArray divided = kept(logits.div(TensorRuntime.scalar(inner, temperature)), inner);
            return kept(divided.logSoftmax(-1), scope);
        }
    }

    private static NDArray kept(NDArray tensor, NDManager scope) {
        tensor.attach(scope);
        return tensor;
    }

    /** What a batch asks for: every token but the last is shown, every token but the first is to be predicted. */
    static int[][] shown(int[][] batch) {
        int[][] shown = new int[batch.length][];
        for (int i = 0; i < batch.length; i++) {
            shown[i] = java.util.Arrays.copyOf(batch[i], batch[i].length - 1);
        }
        return shown;
    }

    static NDArray next(NDManager work, int[][] batch) {
        int length = batch[0].length - 1;
        long[] next = new long[batch.length * length];
        for (int i = 0; i < batch.length; i++) {
            for (int t = 0; t < length; t++) {
                next[i * length + t] = batch[i][t + 1];
            }
        }
        return work.create(next, new Shape(next.length, 1));
    }
}
