package io.millrace.models.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.millrace.models.CausalLanguageModel;
import io.millrace.models.LayerWatch;
import io.millrace.models.TensorRuntime;
import io.millrace.models.TestModels;
import io.millrace.models.TinyModel;
import io.millrace.models.TokenStream;
import io.millrace.models.Tokenizer;
import io.millrace.tensors.architecture.ModelConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TrainerTest {
    private static final TrainingSettings SETTINGS = new TrainingSettings(40, 4, 33, OptimizerSettings.of(1e-2, 4), 7);

    @TempDir
    static Path tokenizerFolder;

    private static TokenStream text;

    @BeforeAll
    static void readText() throws IOException {
        TestModels.tokenizer(tokenizerFolder, true);
        try (Tokenizer tokenizer = Tokenizer.open(tokenizerFolder)) {
            text = TokenStream.of(tokenizer, TestModels.text(5000));
        }
    }

    @Test
    void lossFallsAndNothingIsLeftBehind() throws Exception {
        try (CausalLanguageModel model = CausalLanguageModel.random(TestModels.llama(), 3);
                Trainer trainer = new Trainer(model, text, SETTINGS)) {
            List<StepReport> reports = new ArrayList<>();
            List<Integer> held = new ArrayList<>();

            while (trainer.done() < SETTINGS.steps()) {
                reports.add(trainer.next());
                held.add(model.heldTensors());
            }

            assertThat(reports).hasSize(40);
            assertThat(reports.getLast().loss()).isLessThan(reports.getFirst().loss() - 1);
            assertThat(reports.getLast().step()).isEqualTo(40);
            assertThat(reports)
                    .allSatisfy(report -> assertThat(report.learningRate())
                            .isEqualTo(SETTINGS.optimizer().rate(report.step(), 40)));
            assertThat(held).containsOnly(held.getFirst());
        }
    }

    @Test
    void gradientsAreThoseOfTheDifferenceQuotient() throws IOException {
        checkGradients(
                TestModels.qwen2(),
                "model.embed_tokens.weight",
                "model.layers.0.self_attn.q_proj.bias",
                "model.layers.0.self_attn.k_proj.weight",
                "model.layers.1.mlp.down_proj.weight",
                "model.layers.1.input_layernorm.weight");
    }

    @Test
    void gradientsReachExpertsTheirRouterAndGemmasNorms() throws IOException {
        checkGradients(
                TestModels.mixtral(),
                "model.layers.0.block_sparse_moe.gate.weight",
                "model.layers.1.block_sparse_moe.experts.2.w2.weight",
                "model.layers.0.input_layernorm.weight");
        checkGradients(
                TestModels.gemma2(),
                "model.embed_tokens.weight",
                "model.layers.2.pre_feedforward_layernorm.weight",
                "model.layers.1.post_attention_layernorm.weight");
    }

    private static void checkGradients(ModelConfig config, String... names) throws IOException {
        TestModels.Weights weights = TestModels.weights(config, 5);
        // At rate 0 a step changes nothing, and after the first step the first moment is a tenth of the gradient.
        OptimizerSettings still = new OptimizerSettings(1e-30, 0, 1, 0.9, 0.95, 1e-8, 0, 1e30);
        TrainingSettings settings = new TrainingSettings(1, 2, 9, still, 7);
        for (String name : names) {
            int at = name.startsWith("model.embed") ? (int) 'h' * config.hiddenSize() : 3;
            double gradient;
            try (CausalLanguageModel model = CausalLanguageModel.load(weights);
                    Trainer trainer = new Trainer(model, text, settings)) {
                trainer.next();
                gradient = trainer.firstMoment(name)[at] * 10.0;
            }
            float step = 5e-3f;
            double quotient =
                    (loss(moved(weights, name, at, step), settings) - loss(moved(weights, name, at, -step), settings))
                            / (2 * step);

            assertThat(gradient).as(name).isCloseTo(quotient, within(2e-3 + 0.02 * Math.abs(quotient)));
            assertThat(Math.abs(gradient)).as(name).isGreaterThan(1e-4);
        }
    }

    /** Of 32 positions, those of a tied head and of an untied one, which may not be reached through the body at all. */
    @ParameterizedTest
    @MethodSource("models")
    void logitsInBlocksGiveTheGradientsOfAllAtOnce(TinyModel tiny) throws Exception {
        Map<String, float[]> whole = gradients(tiny, new StepMemory(32, false, 0));

        Map<String, float[]> blocks = gradients(tiny, new StepMemory(5, false, 0));

        assertThat(blocks).containsOnlyKeys(whole.keySet());
        whole.forEach((name, expected) -> {
            float[] found = blocks.get(name);
            double largest = 0;
            double difference = 0;
            for (int i = 0; i < expected.length; i++) {
                largest = Math.max(largest, Math.abs(expected[i]));
                difference = Math.max(difference, Math.abs(expected[i] - found[i]));
            }
            assertThat(difference).as(name).isLessThan(1e-5 * largest);
        });
    }

    static Stream<TinyModel> allModels() {
        return TinyModel.all();
    }

    @ParameterizedTest
    @MethodSource("allModels")
    void layersThatAreComputedTwiceGiveTheSameBits(TinyModel tiny) throws Exception {
        Map<String, float[]> kept = gradients(tiny, new StepMemory(5, false, 0));

        Map<String, float[]> recomputed = gradients(tiny, new StepMemory(5, true, 0));

        assertThat(recomputed).containsOnlyKeys(kept.keySet());
        kept.forEach(
                (name, expected) -> assertThat(recomputed.get(name)).as(name).containsExactly(expected));
    }

    private static Map<String, float[]> gradients(TinyModel tiny, StepMemory memory) throws IOException {
        int[][] batch = text.batch(7, 1, 2, 17);
        Map<String, float[]> gradients = new HashMap<>();
        try (CausalLanguageModel model = CausalLanguageModel.load(tiny.weights());
                TrainingStep step = new TrainingStep(model, SETTINGS.optimizer(), 40, KeptZeros.NONE, memory);
                NDManager work = TensorRuntime.start().scope()) {
            NDArray next = Losses.next(work, batch);
            TrainingStep.Objective objective = (logits, from, to) -> {
                NDArray loss = Losses.crossEntropy(logits, next, from, to);
                return new TrainingStep.Loss(loss, loss, null);
            };
            StepReport report = step.run(work, Losses.shown(batch), objective, LayerWatch.NONE);
            assertThat(report.crossEntropy().orElseThrow()).isEqualTo(report.loss());
            step.optimizer().firstMoments().forEach((name, moment) -> gradients.put(name, moment.toFloatArray()));
        }
        return gradients;
    }

    static Stream<TinyModel> models() {
        return TinyModel.all()
                .filter(tiny ->
                        List.of("llama", "gemma3", "phi3", "mixtral", "smollm3").contains(tiny.name()));
    }

    @ParameterizedTest
    @MethodSource("models")
    void aGarbageCollectionBetweenForwardAndBackwardSpoilsNoGradient(TinyModel tiny) throws Exception {
        double undisturbed = gradientNorm(tiny, () -> {});
        List<ByteBuffer> reused = new ArrayList<>();

        double disturbed = gradientNorm(tiny, () -> {
            System.gc();
            for (int i = 0; i < 20_000; i++) {
                ByteBuffer buffer = ByteBuffer.allocateDirect(8 + i % 64 * 8);
                while (buffer.hasRemaining()) {
                    buffer.putLong(-1);
                }
                reused.add(buffer);
            }
        });

        assertThat(reused).hasSize(20_000);
        assertThat(disturbed).isEqualTo(undisturbed);
    }

    private static double gradientNorm(TinyModel tiny, Runnable betweenForwardAndBackward) throws IOException {
        int[][] batch = text.batch(7, 1, 2, 17);
        try (CausalLanguageModel model = CausalLanguageModel.load(tiny.weights());
                TrainingStep step = new TrainingStep(
                        model, SETTINGS.optimizer(), 40, KeptZeros.NONE, StepMemory.plenty(model.config()));
                NDManager work = TensorRuntime.start().scope()) {
            NDArray next = Losses.next(work, batch);
            NDArray told = model.forward(model.tokens(work, Losses.shown(batch)), LayerWatch.NONE);
            NDArray teacher = Losses.softened(told.reshape(-1, model.config().vocabularySize()), 3);
            TrainingStep.Objective objective = (logits, from, to) -> {
                NDArray crossEntropy = Losses.crossEntropy(logits, next, from, to);
                NDArray total = Losses.scaled(crossEntropy, 0.5).add(Losses.divergence(teacher, logits, 2));
                betweenForwardAndBackward.run();
                return new TrainingStep.Loss(total, null, null);
            };
            return step.run(work, Losses.shown(batch), objective, LayerWatch.NONE)
                    .gradientNorm();
        }
    }

    @Test
    void theStateOfAnotherModelIsRefusedAndChangesNothing(@TempDir Path state) throws Exception {
        try (CausalLanguageModel qwen = CausalLanguageModel.random(TestModels.qwen2(), 3);
                CausalLanguageModel llama = CausalLanguageModel.random(TestModels.llama3(), 3);
                TrainingStep other = new TrainingStep(
                        qwen, SETTINGS.optimizer(), 40, KeptZeros.NONE, StepMemory.plenty(qwen.config()));
                TrainingStep step = new TrainingStep(
                        llama, SETTINGS.optimizer(), 40, KeptZeros.NONE, StepMemory.plenty(llama.config()))) {
            TrainingState.save(state, qwen, other);
            float[][] before = llama.logits(new int[] {1, 2});

            assertThatThrownBy(() -> TrainingState.restore(state, llama, step))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("tensor 'weight.lm_head.weight' is missing");

            Path file = state.resolve("model.safetensors");
            String later = Files.readString(file, StandardCharsets.ISO_8859_1)
                    .replaceFirst("(millrace.training-state\":\")1", "$12");
            Files.writeString(file, later, StandardCharsets.ISO_8859_1);
            assertThatThrownBy(() -> TrainingState.restore(state, qwen, other))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("millrace.training-state is '2'; expected '1'");

            assertThat(llama.logits(new int[] {1, 2})).isDeepEqualTo(before);
            assertThat(step.done()).isZero();
        }
    }

    @Test
    void aRunThatLeavesTheFiniteNumbersSaysSo() throws Exception {
        TestModels.Weights weights = TestModels.weights(TestModels.llama(), 5);
        float[] broken = weights.of("model.norm.weight").clone();
        broken[0] = Float.POSITIVE_INFINITY;
        try (CausalLanguageModel model = CausalLanguageModel.load(weights.with("model.norm.weight", broken));
                Trainer trainer = new Trainer(model, text, SETTINGS)) {
            assertThatThrownBy(trainer::next)
                    .isInstanceOf(DivergedException.class)
                    .hasMessageStartingWith("step 1: loss NaN");
        }
    }

    /** Such a step would write weights that are no numbers, and the loss before it shows nothing. */
    @Test
    void aStepWhoseGradientLeavesTheFiniteNumbersSaysSo() throws Exception {
        int[][] batch = text.batch(7, 1, 2, 17);
        try (CausalLanguageModel model = CausalLanguageModel.random(TestModels.llama(), 3);
                TrainingStep step = new TrainingStep(
                        model, SETTINGS.optimizer(), 40, KeptZeros.NONE, StepMemory.plenty(model.config()));
                NDManager work = TensorRuntime.start().scope()) {
            NDArray next = Losses.next(work, batch);
            float[][] before = model.logits(new int[] {1, 2});

            assertThatThrownBy(() -> step.run(
                            work,
                            Losses.shown(batch),
                            (logits, from, to) -> new TrainingStep.Loss(
                                    Losses.scaled(Losses.crossEntropy(logits, next, from, to), 1e30), null, null),
                            LayerWatch.NONE))
                    .isInstanceOf(DivergedException.class)
                    .hasMessageStartingWith("step 1: loss ")
                    .hasMessageContaining("Infinity");
            assertThat(model.logits(new int[] {1, 2})).isDeepEqualTo(before);
        }
    }

    private static TestModels.Weights moved(TestModels.Weights weights, String name, int at, float by) {
        float[] changed = weights.of(name).clone();
        changed[at] += by;
        return weights.with(name, changed);
    }

    private static double loss(TestModels.Weights weights, TrainingSettings settings) throws IOException {
        try (CausalLanguageModel model = CausalLanguageModel.load(weights);
                Trainer trainer = new Trainer(model, text, settings)) {
            return trainer.next().loss();
        }
    }
}
