package io.millrace.models.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.millrace.models.TensorRuntime;
import java.util.Arrays;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** A tensor of the size of the logits is 0.8 GB for 4096 positions and a vocabulary of 49,152. */
class LossesTest {
    @Test
    void nothingButTheResultIsHeldAfterwards() {
        try (NDManager scope = TensorRuntime.start().scope()) {
            NDArray logits = scope.randomNormal(new Shape(6, 5));
            NDArray wanted = Losses.softened(scope.randomNormal(new Shape(6, 5)), 2);
            NDArray next = scope.create(new long[] {0, 1, 2, 3, 4, 0}, new Shape(6, 1));

            assertThat(held(scope, () -> Losses.softened(logits, 2))).isEqualTo(1);
            assertThat(held(scope, () -> Losses.divergence(wanted, logits, 2))).isEqualTo(1);
            assertThat(held(scope, () -> Losses.crossEntropy(logits, next, 0, 6)))
                    .isEqualTo(1);
        }
    }

    @Test
    void theDivergenceIsThatFromTheTeacherAtItsTemperatureTimesItsSquare() {
        float[][] teacher = {{1, 2, 0}, {3, -1, 0.5f}};
        float[][] student = {{0, 1, 3}, {2, 2, -1}};
        double expected = 0;
        for (int i = 0; i < 2; i++) {
            double[] p = softened(teacher[i]);
            double[] q = softened(student[i]);
            for (int token = 0; token < p.length; token++) {
                expected += p[token] * Math.log(p[token] / q[token]) / 2;
            }
        }
        try (NDManager scope = TensorRuntime.start().scope()) {
            NDArray told = Losses.softened(scope.create(teacher), 2);

            assertThat((double)
                            Losses.divergence(told, scope.create(student), 2).getFloat())
                    .isCloseTo(4 * expected, within(1e-5));
        }
    }

    /** Probabilities at temperature 2. */
    private static double[] softened(float[] logits) {
        double[] powers = new double[logits.length];
        Arrays.setAll(powers, token -> Math.exp(logits[token] / 2));
        double sum = Arrays.stream(powers).sum();
        return Arrays.stream(powers).map(power -> power / sum).toArray();
    }

    private static int held(NDManager scope, Supplier<NDArray> loss) {
        int before = scope.getManagedArrays().size();
        assertThat(loss.get().getManager()).isSameAs(scope);
        return scope.getManagedArrays().size() - before;
    }
}
