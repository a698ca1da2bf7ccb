package io.millrace.models.training;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.millrace.models.TensorRuntime;
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

    private static int held(NDManager scope, Supplier<NDArray> loss) {
        int before = scope.getManagedArrays().size();
        assertThat(loss.get().getManager()).isSameAs(scope);
        return scope.getManagedArrays().size() - before;
    }
}
