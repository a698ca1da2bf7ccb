package io.millrace.models.speed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.models.TensorRuntime;
import io.millrace.models.TestModels;
import io.millrace.models.WorkProgress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class GenerationSpeedTest {
    private static final TestModels.Weights MODEL = TestModels.weights(TestModels.llama(), 1);

    @Test
    void bothModelsAreMeasured() throws Exception {
        SpeedReport report = GenerationSpeed.measure(MODEL, MODEL, plan(), System::nanoTime, WorkProgress.NONE);

        assertThat(report.original()).hasSize(3);
        assertThat(report.candidatePrompt().median()).isPositive();
        assertThat(report.originalGeneration().lowest()).isPositive();
        assertThat(report.runtime()).startsWith("PyTorch");
    }

    /** A layer takes a microsecond of a clock that only layers move. */
    @Test
    void theRatesOfEachModelAreItsOwn() throws Exception {
        TestModels.Weights half = TestModels.weights(
                TestModels.config(
                        "LlamaForCausalLM", "llama", "\"tie_word_embeddings\": true, \"num_hidden_layers\": 1"),
                1);
        long[] nanos = new long[1];

        SpeedReport report = GenerationSpeed.measure(
                MODEL,
                half,
                plan(),
                () -> nanos[0],
                (done, total, what) -> nanos[0] += what.contains("layer") ? 1000 : 0);

        assertThat(report.original()).containsOnly(new Rates(8e9 / 2000, 3e9 / 6000));
        assertThat(report.candidate()).containsOnly(new Rates(8e9 / 1000, 3e9 / 3000));
    }

    @Test
    void eachLayerOfThePromptIsProgressAndAnInterruptEndsItThere() {
        List<String> told = new ArrayList<>();
        WorkProgress interrupting = (done, total, what) -> {
            told.add(what + ", " + done + " of " + total);
            if (what.contains("layer")) {
                Thread.currentThread().interrupt();
            }
        };

        assertThatThrownBy(() -> GenerationSpeed.measure(MODEL, MODEL, plan(), System::nanoTime, interrupting))
                .isInstanceOf(InterruptedException.class)
                .hasMessageContaining("layer 2 of 2");
        assertThat(told).containsExactly("original loaded, 0 of 88", "tokens fed; the next at layer 1 of 2, 0 of 88");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aModelWhoseCacheCannotBeMadeIsFreed() throws Exception {
        TestModels.Weights large = TestModels.weights(
                TestModels.config("LlamaForCausalLM", "llama", "\"tie_word_embeddings\": true, \"vocab_size\": 100000"),
                1);
        SpeedPlan beyondCounting = new SpeedPlan(TensorRuntime.start().threads(), Integer.MAX_VALUE, 1, 1);
        long modelBytes = 4
                * large.tensors().stream()
                        .mapToLong(tensor -> tensor.shape().elements())
                        .sum();
        long before = residentBytes();

        for (int i = 0; i < 40; i++) {
            assertThatThrownBy(() ->
                            GenerationSpeed.measure(large, large, beyondCounting, System::nanoTime, WorkProgress.NONE))
                    .isInstanceOf(ArithmeticException.class);
        }

        assertThat(residentBytes() - before).isLessThan(20 * modelBytes);
    }

    private static long residentBytes() throws IOException {
        return 4096
                * Long.parseLong(Files.readString(Path.of("/proc/self/statm")).split(" ")[1]);
    }

    private static SpeedPlan plan() {
        return new SpeedPlan(TensorRuntime.start().threads(), 8, 3, 3);
    }

    @Test
    void anotherNumberOfThreadsThanTheEngineHasIsRefused() {
        int threads = TensorRuntime.start().threads() + 1;

        assertThatThrownBy(() -> GenerationSpeed.measure(
                        MODEL, MODEL, new SpeedPlan(threads, 8, 3, 3), System::nanoTime, WorkProgress.NONE))
                .hasMessageContaining("set MILLRACE_TENSOR_THREADS");
    }
}
