package io.millrace.models;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.millrace.tensors.kernel.literature.UniformInputs;
import io.millrace.tensors.kernel.pack.InputRounding;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class LinearMapTest {
    @Test
    void uniformInputsHaveOneScaleForAllTokensThatGoThroughTogether() {
        float[] tokens = {3, 0.9f, -1.6f, 0.4f, 0.6f, 0.2f};

        assertThat(mapped(tokens, new UniformInputs(3, OptionalDouble.empty()))).containsExactly(3, 1, -2, 0, 1, 0);
        assertThat(mapped(tokens, new UniformInputs(3, OptionalDouble.of(2))))
                .containsExactly(1.5f, 1, -1.5f, 0.5f, 0.5f, 0);
    }

    /** Two tokens of three numbers through the map that changes nothing. */
    private static float[] mapped(float[] tokens, InputRounding rounding) {
        try (NDManager work = TensorRuntime.start().scope()) {
            NDArray identity = work.create(new float[] {1, 0, 0, 0, 1, 0, 0, 0, 1}, new Shape(3, 3));
            LinearMap map = new LinearMap(identity, null, rounding);
            return map.apply(work.create(tokens, new Shape(1, 2, 3))).toFloatArray();
        }
    }
}
