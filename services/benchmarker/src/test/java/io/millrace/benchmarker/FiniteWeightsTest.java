package io.millrace.benchmarker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.tensors.DType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FiniteWeightsTest {
    /** Of more than one block. */
    private static final TensorSpec LARGE = TensorSpec.plain("large", DType.F32, Shape.of(1500, 1000));

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void aWeightThatIsNoNumberIsNamedWhereverItLies(float wrong) {
        assertThatThrownBy(() -> FiniteWeights.check(new Constant(1400, 7, wrong), "model.gguf"))
                .isInstanceOfSatisfying(
                        MalformedFileException.class,
                        refused -> assertThat(refused.kind()).isEqualTo(MalformedFileException.Kind.UNSUPPORTED))
                .hasMessageStartingWith("model.gguf: tensor 'large' reads back as " + wrong
                        + " in row 1400, column 7, expected finite numbers");
    }

    @Test
    void finiteWeightsPass() throws Exception {
        FiniteWeights.check(new Constant(1499, 999, Float.MAX_VALUE), "model.gguf");
    }

    /** Ones, but for one weight. */
    private record Constant(long row, int column, float value) implements WeightSource {
        @Override
        public ModelConfig config() {
            throw new UnsupportedOperationException();
        }

        @Override
        public List<TensorSpec> tensors() {
            return List.of(TensorSpec.plain("small", DType.F32, Shape.of(3)), LARGE);
        }

        @Override
        public void read(String name, long from, long to, MemorySegment destination) {
            long length = name.equals("small") ? 3 : LARGE.shape().rowLength();
            for (long i = 0; i < (to - from) * length; i++) {
                destination.setAtIndex(ValueLayout.JAVA_FLOAT, i, 1);
            }
            if (name.equals("large") && from <= row && row < to) {
                destination.setAtIndex(ValueLayout.JAVA_FLOAT, (row - from) * length + column, value);
            }
        }

        @Override
        public void close() {}
    }
}
