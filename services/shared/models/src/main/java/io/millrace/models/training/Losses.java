package io.millrace.models.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.millrace.models.TensorRuntime;

/**
 * Scalar losses over a batch, each a mean over its positions, in nats. Tensors as large as the logits are the largest of
 * a step, so none outlives its use: what the backward pass needs the graph keeps.
 */
final class Losses {
    private Losses() {}

    /** logits [batch, length, vocabulary], next tokens [batch · length, 1] i64. */
    static NDArray crossEntropy(NDArray logits, NDArray next) {
        NDManager scope = logits.getManager();
        try (NDManager inner = scope.newSubManager()) {
            return kept(flat(logits, inner).logSoftmax(-1).gather(next, 1).neg().mean(), scope);
        }
    }

    /**
     * KL(teacher ‖ student) of the distributions softened by {@code temperature}, times its square, which keeps the size
     * of the gradient (Hinton et al., 2015).
     *
     * @param teacher log-probabilities at that temperature, [batch · length, vocabulary]
     * @param student logits [batch, length, vocabulary]
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

    static NDArray softened(NDArray logits, double temperature) {
        NDManager scope = logits.getManager();
        try (NDManager inner = scope.newSubManager()) {
            NDArray divided = flat(logits, inner).div(TensorRuntime.scalar(inner, temperature));
            return kept(divided.logSoftmax(-1), scope);
        }
    }

    /** In a scope of its own, where the results of its operations are too. */
    private static NDArray flat(NDArray logits, NDManager scope) {
        Shape shape = logits.getShape();
        return kept(logits.reshape(-1, shape.get(shape.dimension() - 1)), scope);
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
