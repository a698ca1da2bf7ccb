package io.millrace.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.tensors.DType;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.checkpoint.Checkpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CausalLanguageModelTest {
    private static final long SEED = 42;
    private static final int[] TOKENS =
            new SplittableRandom(SEED).ints(90, 0, TestModels.VOCABULARY).toArray();

    static Stream<TinyModel> families() {
        return TinyModel.all();
    }

    @ParameterizedTest
    @MethodSource("families")
    void logitsAreThoseOfThePlainLoops(TinyModel tiny) throws IOException {
        TestModels.Weights weights = TestModels.weights(tiny.config(), SEED);
        double[][] expected = new ScalarDecoder(weights).logits(TOKENS);

        try (CausalLanguageModel model = CausalLanguageModel.load(weights)) {
            assertThat(Deviation.of(model.logits(TOKENS), expected)).isLessThan(5e-5);
        }
    }

    @Test
    void aWrongRotaryBaseASlidingWindowOffByOneAndASwappedHeadAreSeen() throws IOException {
        TestModels.Weights mistral = TestModels.weights(TestModels.mistral(), SEED);
        double[][] expected = new ScalarDecoder(mistral).logits(TOKENS);

        var base = new TestModels.Weights(mistral(5, 11_000), mistral.values());
        var window = new TestModels.Weights(mistral(6, 10_000), mistral.values());
        String query = "model.layers.0.self_attn.q_proj.weight";
        float[] swapped = mistral.of(query).clone();
        System.arraycopy(mistral.of(query), 0, swapped, swapped.length / 2, swapped.length / 2);
        System.arraycopy(mistral.of(query), swapped.length / 2, swapped, 0, swapped.length / 2);

        try (CausalLanguageModel model = CausalLanguageModel.load(mistral)) {
            assertThat(Deviation.of(model.logits(TOKENS), expected)).isLessThan(5e-5);
        }
        for (var wrong : List.of(base, window, mistral.with(query, swapped))) {
            try (CausalLanguageModel model = CausalLanguageModel.load(wrong)) {
                assertThat(Deviation.of(model.logits(TOKENS), expected)).isGreaterThan(0.01);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void aKeyValueCacheChangesNothing(TinyModel tiny) throws IOException {
        try (CausalLanguageModel model = CausalLanguageModel.load(TestModels.weights(tiny.config(), SEED));
                KeyValueCache cache = model.cache(TOKENS.length)) {
            float[][] full = model.logits(TOKENS);

            float[] afterPrompt = model.next(Arrays.copyOf(TOKENS, 7), cache);
            float[] afterPiece = model.next(Arrays.copyOfRange(TOKENS, 7, 12), cache);
            float[] afterOne = model.next(new int[] {TOKENS[12]}, cache);

            assertThat(Deviation.of(
                            new float[][] {afterPrompt, afterPiece, afterOne},
                            new float[][] {full[6], full[11], full[12]}))
                    .isLessThan(1e-5);
            assertThat(cache.length()).isEqualTo(13);
        }
    }

    @Test
    void aFullCacheRefusesMoreAndAClearedOneStartsAnew() throws IOException {
        try (CausalLanguageModel model = CausalLanguageModel.load(TestModels.weights(TestModels.llama(), SEED));
                KeyValueCache cache = model.cache(4)) {
            float[] first = model.next(new int[] {1, 2, 3}, cache);

            assertThatThrownBy(() -> model.next(new int[] {4, 5}, cache))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("3 positions are cached and 2 more do not fit in 4");
            cache.clear();
            assertThat(model.next(new int[] {1, 2, 3}, cache)).isEqualTo(first);
        }
    }

    @Test
    void aClosedCacheHoldsNothingAnyMore() throws IOException {
        try (CausalLanguageModel model = CausalLanguageModel.load(TestModels.weights(TestModels.llama(), SEED))) {
            KeyValueCache cache = model.cache(4);

            cache.close();

            assertThatThrownBy(() -> model.next(new int[] {1}, cache)).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void generatedTokensAreTheLikeliestOfTheFullPass() throws IOException {
        try (CausalLanguageModel model = CausalLanguageModel.load(TestModels.weights(TestModels.qwen2(), SEED))) {
            int[] prompt = {5, 6, 7};

            int[] generated = model.generate(prompt, 5);

            int[] all = Arrays.copyOf(prompt, 3 + generated.length);
            System.arraycopy(generated, 0, all, 3, generated.length);
            float[][] logits = model.logits(all);
            for (int i = 0; i < generated.length; i++) {
                assertThat(generated[i]).isEqualTo(likeliest(logits[2 + i]));
            }
        }
    }

    @Test
    void whatIsWrittenIsReadBackAsTheSameModel(@TempDir Path folder) throws IOException {
        TestModels.Weights weights = TestModels.weights(TestModels.qwen2(), SEED);
        TestModels.folder(folder, weights);

        try (Checkpoint checkpoint = Checkpoint.openOriginal(folder);
                CausalLanguageModel reread = CausalLanguageModel.load(checkpoint);
                CausalLanguageModel model = CausalLanguageModel.load(weights)) {
            assertThat(reread.logits(TOKENS)).isDeepEqualTo(model.logits(TOKENS));
            assertThat(checkpoint.type()).isEqualTo(DType.F32);
        }
    }

    @Test
    void theSameSeedGivesTheSameFreshModel() throws IOException {
        try (CausalLanguageModel one = CausalLanguageModel.random(TestModels.llama(), SEED);
                CausalLanguageModel same = CausalLanguageModel.random(TestModels.llama(), SEED);
                CausalLanguageModel other = CausalLanguageModel.random(TestModels.llama(), SEED + 1)) {
            float[][] logits = one.logits(TOKENS);

            assertThat(same.logits(TOKENS)).isDeepEqualTo(logits);
            assertThat(Deviation.of(other.logits(TOKENS), logits)).isGreaterThan(0.1);
        }
    }

    @Test
    void aForwardPassLeavesNothingBehind() throws IOException {
        try (CausalLanguageModel model = CausalLanguageModel.load(TestModels.weights(TestModels.llama(), SEED))) {
            int before = model.heldTensors();

            model.logits(TOKENS);
            model.generate(new int[] {1}, 3);

            assertThat(model.heldTensors()).isEqualTo(before);
        }
    }

    @Test
    void aMissingTensorAndAWrongShapeAreNamed() {
        TestModels.Weights weights = TestModels.weights(TestModels.llama(), SEED);

        assertThatThrownBy(() -> CausalLanguageModel.load(new Lacking(weights, "model.norm.weight", null)))
                .hasMessageContaining("no tensor 'model.norm.weight' [16]");
        assertThatThrownBy(() -> CausalLanguageModel.load(new Lacking(
                        weights,
                        "model.norm.weight",
                        TensorSpec.plain("model.norm.weight", DType.F32, io.millrace.tensors.Shape.of(17)))))
                .hasMessageContaining("'model.norm.weight' has shape [17]; config.json asks for [16]");
    }

    @Test
    void aTokenOutsideTheVocabularyIsRefused() throws IOException {
        try (CausalLanguageModel model = CausalLanguageModel.load(TestModels.weights(TestModels.llama(), SEED))) {
            assertThatThrownBy(() -> model.logits(new int[] {1, 260}))
                    .hasMessageContaining("token 260 is outside the vocabulary of 260");
            assertThatThrownBy(() -> model.logits(new int[] {-1})).hasMessageContaining("token -1");
            assertThatThrownBy(() -> model.logits(new int[0])).hasMessageContaining("0 tokens");
        }
    }

    private static int likeliest(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            best = logits[i] > logits[best] ? i : best;
        }
        return best;
    }

    private static ModelConfig mistral(int window, double ropeTheta) {
        return TestModels.config(
                "MistralForCausalLM",
                "mistral",
                "\"tie_word_embeddings\": false, \"sliding_window\": " + window + ", \"rope_theta\": " + ropeTheta);
    }
}
