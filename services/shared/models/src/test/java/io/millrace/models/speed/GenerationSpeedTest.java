package io.millrace.models.speed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.models.TensorRuntime;
import io.millrace.models.TestModels;
import org.junit.jupiter.api.Test;

class GenerationSpeedTest {
    private static final TestModels.Weights MODEL = TestModels.weights(TestModels.llama(), 1);

    @Test
    void bothModelsAreMeasured() throws Exception {
        SpeedReport report = GenerationSpeed.measure(
                MODEL, MODEL, new SpeedPlan(TensorRuntime.start().threads(), 8, 3, 3), System::nanoTime);

        assertThat(report.original()).hasSize(3);
        assertThat(report.candidatePrompt().median()).isPositive();
        assertThat(report.originalGeneration().lowest()).isPositive();
        assertThat(report.runtime()).startsWith("PyTorch");
    }

    @Test
    void anotherNumberOfThreadsThanTheEngineHasIsRefused() {
        int threads = TensorRuntime.start().threads() + 1;

        assertThatThrownBy(
                        () -> GenerationSpeed.measure(MODEL, MODEL, new SpeedPlan(threads, 8, 3, 3), System::nanoTime))
                .hasMessageContaining("set MILLRACE_TENSOR_THREADS");
    }
}
