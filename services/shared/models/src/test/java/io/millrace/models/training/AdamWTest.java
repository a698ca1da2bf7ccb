package io.millrace.models.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.millrace.models.TensorRuntime;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AdamWTest {
    private static final OptimizerSettings SETTINGS = new OptimizerSettings(0.1, 0, 1, 0.9, 0.95, 1e-8, 0.1, 1);

    /** The first gradient is twice as long as may be and the second shorter; the rate is not that of the first step. */
    @Test
    void twoStepsAreThoseOfThePaper() {
        OptimizerSettings settings = new OptimizerSettings(0.1, 0, 1, 0.9, 0.95, 0.01, 0.3, 2.5);
        double[][] gradients = {{3, 4}, {0.3, -0.4}};
        double[] norms = {5, 0.5};
        double[] rates = {0.1, 0.05};
        try (NDManager scope = TensorRuntime.start().scope()) {
            NDArray weight = scope.create(new float[] {1, -2}, new Shape(1, 2));
            double[] expected = {1, -2};
            double[] m = new double[2];
            double[] v = new double[2];
            try (AdamW optimizer = new AdamW(Map.of("w", weight), settings, KeptZeros.NONE)) {
                for (int step = 1; step <= 2; step++) {
                    double[] gradient = gradients[step - 1];
                    double rate = rates[step - 1];
                    differentiate(weight, (float) gradient[0], (float) gradient[1]);
                    double norm = optimizer.gradientNorm();
                    optimizer.update(step, rate, norm);

                    assertThat(norm).isCloseTo(norms[step - 1], within(1e-6));
                    for (int i = 0; i < 2; i++) {
                        double clipped = step == 1 ? gradient[i] / 2 : gradient[i];
                        m[i] = 0.9 * m[i] + 0.1 * clipped;
                        v[i] = 0.95 * v[i] + 0.05 * clipped * clipped;
                        double move = m[i]
                                / (1 - Math.pow(0.9, step))
                                / (Math.sqrt(v[i] / (1 - Math.pow(0.95, step))) + 0.01);
                        expected[i] = expected[i] * (1 - rate * 0.3) - rate * move;
                    }
                }
            }
            float[] found = weight.toFloatArray();
            assertThat((double) found[0]).isCloseTo(expected[0], within(1e-6));
            assertThat((double) found[1]).isCloseTo(expected[1], within(1e-6));
        }
    }

    @Test
    void vectorsDoNotDecay() {
        try (NDManager scope = TensorRuntime.start().scope()) {
            NDArray weight = scope.create(new float[] {1, 1}, new Shape(2));
            try (AdamW optimizer = new AdamW(Map.of("norm", weight), SETTINGS, KeptZeros.NONE)) {
                differentiate(weight, 0, 0);
                optimizer.update(1, 0.1, optimizer.gradientNorm());
            }
            assertThat(weight.toFloatArray()).containsExactly(1, 1);
        }
    }

    @Test
    void gradientsDoNotAddUpFromStepToStep() {
        try (NDManager scope = TensorRuntime.start().scope()) {
            NDArray weight = scope.create(new float[] {1, 1}, new Shape(1, 2));
            try (AdamW optimizer = new AdamW(Map.of("w", weight), SETTINGS, KeptZeros.NONE)) {
                differentiate(weight, 3, 4);
                optimizer.update(1, 0.1, optimizer.gradientNorm());
                differentiate(weight, 3, 4);

                assertThat(optimizer.gradientNorm()).isCloseTo(5, within(1e-6));
            }
        }
    }

    @Test
    void aWeightThatIsMovedInBlocksEndsWhereOneThatIsMovedAtOnceDoes() {
        try (NDManager scope = TensorRuntime.start().scope()) {
            float[] values = new float[7 * 3];
            for (int i = 0; i < values.length; i++) {
                values[i] = i - 9.5f;
            }
            NDArray whole = scope.create(values, new Shape(7, 3));
            NDArray blocks = scope.create(values, new Shape(7, 3));
            NDArray vector = scope.create(values, new Shape(21));
            try (AdamW first = new AdamW(Map.of("w", whole), SETTINGS, KeptZeros.NONE);
                    AdamW second = new AdamW(Map.of("w", blocks), SETTINGS, KeptZeros.NONE, 6);
                    AdamW third = new AdamW(Map.of("w", vector), SETTINGS, KeptZeros.NONE, 2)) {
                for (NDArray weight : List.of(whole, blocks, vector)) {
                    differentiate(weight, values);
                }
                double norm = first.gradientNorm();

                assertThat(second.gradientNorm()).isCloseTo(norm, within(1e-5));
                assertThat(third.gradientNorm()).isCloseTo(norm, within(1e-5));
                first.update(1, 0.1, norm);
                second.update(1, 0.1, norm);
            }
            assertThat(whole.toFloatArray()).doesNotContain(values[3]);
            assertThat(blocks.toFloatArray()).containsExactly(whole.toFloatArray());
        }
    }

    /** Makes a, b, … the gradient of the weight: that of a·w₀ + b·w₁ + …. */
    private static void differentiate(NDArray weight, float... gradient) {
        try (NDManager work = TensorRuntime.start().scope()) {
            NDArray factors = work.create(gradient, weight.getShape());
            TensorRuntime.start()
                    .withGradients(
                            collector -> collector.backward(factors.mul(weight).sum()));
        }
    }
}
