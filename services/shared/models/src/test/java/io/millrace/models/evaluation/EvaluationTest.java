package io.millrace.models.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.millrace.models.CausalLanguageModel;
import io.millrace.models.RoundedInputs;
import io.millrace.models.TestModels;
import io.millrace.models.TokenStream;
import io.millrace.models.Tokenizer;
import io.millrace.models.WorkProgress;
import io.millrace.tensors.kernel.pack.Code;
import io.millrace.tensors.kernel.pack.DynamicRounding;
import io.millrace.tensors.kernel.pack.InputRounding;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluationTest {
    private static final String TEXT = TestModels.text(30_000);
    private static final TestModels.Weights ORIGINAL = TestModels.weights(TestModels.llama(), 1);
    private static final TestModels.Weights CANDIDATE = disturbed();

    @TempDir
    static Path folder;

    @BeforeAll
    static void writeTokenizer() throws IOException {
        TestModels.tokenizer(folder, true);
    }

    @Test
    void scoresAreThoseOfTheLogits() throws Exception {
        try (CausalLanguageModel original = CausalLanguageModel.load(ORIGINAL);
                CausalLanguageModel candidate = CausalLanguageModel.load(CANDIDATE);
                Tokenizer tokenizer = Tokenizer.open(folder)) {
            int[] window = TokenStream.of(tokenizer, TEXT).window(1, 9);

            WindowScores scores = new ModelPair(ORIGINAL, CANDIDATE).score(new int[][] {window}, WorkProgress.NONE)[0];

            // Positions from 9/2 = 4 on are scored; the last, 8, has no next token.
            assertThat(scores.positions()).isEqualTo(4);
            float[][] p = original.logits(window);
            float[][] q = candidate.logits(window);
            for (int i = 0; i < 4; i++) {
                double[] logP = logSoftmax(p[4 + i]);
                double[] logQ = logSoftmax(q[4 + i]);
                double divergence = 0;
                for (int v = 0; v < logP.length; v++) {
                    divergence += Math.exp(logP[v]) * (logP[v] - logQ[v]);
                }
                assertThat(scores.originalLoss()[i]).isCloseTo(-logP[window[5 + i]], within(1e-4));
                assertThat(scores.candidateLoss()[i]).isCloseTo(-logQ[window[5 + i]], within(1e-4));
                assertThat(scores.divergence()[i]).isCloseTo(divergence, within(1e-4));
                assertThat(scores.sameTop()[i]).isEqualTo(likeliest(logP) == likeliest(logQ) ? 1 : 0);
            }
        }
    }

    @Test
    void aModelBesideItselfLosesNothingInTheFewestWindows() throws Exception {
        Quality quality = Evaluation.compare(
                ORIGINAL, ORIGINAL, folder, TEXT, Evaluation.leastWindows(128), 128, WorkProgress.NONE);

        assertThat(quality).isInstanceOfSatisfying(QualityReport.class, report -> {
            assertThat(report.perplexityIncrease()).isZero();
            assertThat(report.perplexityIncreaseError()).isZero();
            assertThat(report.klMean()).isZero();
            assertThat(report.sameTopToken()).isEqualTo(1);
            assertThat(report.windows()).isEqualTo(66);
            assertThat(report.scoredTokens()).isEqualTo(66 * 63);
        });
        assertThat(Evaluation.leastWindows(4096)).isEqualTo(8);
    }

    @Test
    void aDisturbedModelDivergesAndSaysHowSurelyItIsWorse() throws Exception {
        Quality quality = Evaluation.compare(ORIGINAL, CANDIDATE, folder, TEXT, 70, 128, WorkProgress.NONE);

        assertThat(quality).isInstanceOfSatisfying(QualityReport.class, report -> {
            assertThat(report.klMean()).isPositive();
            assertThat(report.klP99()).isGreaterThan(report.klMean());
            assertThat(report.perplexityIncreaseError()).isPositive();
            assertThat(report.sameTopToken()).isLessThan(1);
        });
    }

    @Test
    void progressMovesWithEachLayerOfBothModels() throws Exception {
        List<String> told = new ArrayList<>();

        var _ = Evaluation.compare(
                ORIGINAL,
                CANDIDATE,
                folder,
                TEXT,
                70,
                128,
                (done, total, what) -> told.add(what + ", " + done + " of " + total));

        assertThat(told)
                .startsWith("windows through layers of the original, 1 of 350")
                .contains(
                        "windows through layers of the original, 140 of 350",
                        "windows through layers of the candidate, 141 of 350",
                        "windows through layers of the candidate, 280 of 350",
                        "windows compared, 281 of 350")
                .endsWith("windows compared, 350 of 350")
                .doesNotHaveDuplicates()
                .hasSize(70 * 5);
    }

    @Test
    void whatIsTakenInGroupsIsCountedOnce() throws Exception {
        List<Long> units = new ArrayList<>();
        int[] groups = new int[1];
        Quality whole = Evaluation.compare(ORIGINAL, CANDIDATE, folder, TEXT, 70, 128, WorkProgress.NONE);

        try (Tokenizer tokenizer = Tokenizer.open(folder)) {
            Quality parts = Evaluation.compared(
                    new ModelPair(
                            ORIGINAL, CANDIDATE, 32L * 128 * TestModels.llama().hiddenSize() * Float.BYTES),
                    TokenStream.of(tokenizer, TEXT),
                    70,
                    128,
                    (done, total, what) -> {
                        units.add(done);
                        groups[0] += what.equals("windows through layers of the original") && done % 160 == 1 ? 1 : 0;
                    });
            assertThat(parts).isEqualTo(whole);
        }
        assertThat(groups[0]).isEqualTo(3);
        assertThat(units).isSorted().doesNotHaveDuplicates().hasSize(350).endsWith(350L);
    }

    @Test
    void aShortTextIsNotMeasured() throws Exception {
        assertThat(Evaluation.compare(ORIGINAL, CANDIDATE, folder, TEXT.substring(0, 2000), 64, 512, WorkProgress.NONE))
                .isInstanceOfSatisfying(NotMeasured.class, reason -> {
                    assertThat(reason.cause()).isEqualTo(NotMeasured.Cause.TEXT_TOO_SHORT);
                    assertThat(reason.reason())
                            .contains(
                                    "windows of 512",
                                    "at least 8 windows and 4096 scored tokens are needed; evaluate with a longer"
                                            + " text");
                });
        assertThat(Evaluation.compare(ORIGINAL, CANDIDATE, folder, TEXT, 10, 512, WorkProgress.NONE))
                .isInstanceOfSatisfying(
                        NotMeasured.class,
                        reason -> assertThat(reason.reason()).endsWith("; evaluate on 17 windows or more"));
    }

    @Test
    void aWindowBeyondTheModelIsNotMeasured() throws Exception {
        assertThat(Evaluation.compare(ORIGINAL, CANDIDATE, folder, TEXT, 64, 513, WorkProgress.NONE))
                .isEqualTo(new NotMeasured(
                        NotMeasured.Cause.UNSUITABLE,
                        "windows of 513 tokens; expected 4 to 512, the longest context of the model"));
    }

    @Test
    void theContextOfTheShorterModelCounts() throws Exception {
        TestModels.Weights shorter = TestModels.weights(
                TestModels.config(
                        "LlamaForCausalLM", "llama", "\"tie_word_embeddings\": true, \"max_position_embeddings\": 96"),
                1);

        for (Quality quality : List.of(
                Evaluation.compare(ORIGINAL, shorter, folder, TEXT, 64, 97, WorkProgress.NONE),
                Evaluation.compare(shorter, ORIGINAL, folder, TEXT, 64, 97, WorkProgress.NONE))) {
            assertThat(quality)
                    .isEqualTo(new NotMeasured(
                            NotMeasured.Cause.UNSUITABLE,
                            "windows of 97 tokens; expected 4 to 96, the longest context of the model"));
        }
    }

    @Test
    void modelsOfTwoVocabulariesAreNotCompared() throws Exception {
        TestModels.Weights wider = TestModels.weights(
                TestModels.config("LlamaForCausalLM", "llama", "\"tie_word_embeddings\": true, \"vocab_size\": 261"),
                1);

        assertThat(Evaluation.compare(ORIGINAL, wider, folder, TEXT, 70, 128, WorkProgress.NONE))
                .isEqualTo(new NotMeasured(
                        NotMeasured.Cause.UNSUITABLE,
                        "the original has a vocabulary of 260, the candidate one of 261; they cannot be compared token"
                                + " by token"));
    }

    @Test
    void theShortestWindowHasFourTokensAndOneIsScored() throws Exception {
        assertThat(Evaluation.compare(ORIGINAL, CANDIDATE, folder, TEXT, 10, 3, WorkProgress.NONE))
                .isInstanceOfSatisfying(
                        NotMeasured.class, reason -> assertThat(reason.reason()).contains("expected 4 to 512"));
        assertThat(Evaluation.compare(ORIGINAL, CANDIDATE, folder, TEXT, 10, 4, WorkProgress.NONE))
                .isInstanceOfSatisfying(
                        NotMeasured.class,
                        reason -> assertThat(reason.reason())
                                .contains("10 windows of 4 (at most 10 wanted) with 10 scored tokens")
                                .endsWith("; evaluate on 4096 windows or more"));
        // Of nine tokens the positions 4 to 7 are scored.
        assertThat(Evaluation.leastWindows(9)).isEqualTo(1024);
    }

    @Test
    void roundingOfInputsCountsAsPartOfTheCandidate() throws Exception {
        Quality quality = Evaluation.compare(
                ORIGINAL,
                new RoundedInputs(ORIGINAL, EvaluationTest::rounding),
                folder,
                TEXT,
                70,
                128,
                WorkProgress.NONE);

        assertThat(quality).isInstanceOfSatisfying(QualityReport.class, report -> {
            assertThat(report.klMean()).isBetween(1e-5, 1e-1);
            assertThat(report.sameTopToken()).isBetween(0.8, 0.9999);
        });
    }

    @Test
    void aModelThatGivesNoNumbersIsNotMeasured() throws Exception {
        float[] broken = ORIGINAL.of("model.norm.weight").clone();
        broken[3] = Float.NaN;

        assertThat(Evaluation.compare(
                        ORIGINAL, ORIGINAL.with("model.norm.weight", broken), folder, TEXT, 70, 128, WorkProgress.NONE))
                .isInstanceOfSatisfying(NotMeasured.class, reason -> {
                    assertThat(reason.cause()).isEqualTo(NotMeasured.Cause.CANDIDATE_NOT_FINITE);
                    assertThat(reason.reason())
                            .startsWith("the candidate gives losses that are not finite numbers in window 0");
                });
        assertThat(Evaluation.compare(
                        ORIGINAL.with("model.norm.weight", broken), ORIGINAL, folder, TEXT, 70, 128, WorkProgress.NONE))
                .isInstanceOfSatisfying(
                        NotMeasured.class,
                        reason -> assertThat(reason.cause()).isEqualTo(NotMeasured.Cause.ORIGINAL_NOT_FINITE));
    }

    @Test
    void anInterruptEndsItBetweenTwoWindowsOfALayer() {
        List<String> told = new ArrayList<>();
        WorkProgress interrupting = (done, total, what) -> {
            told.add(what);
            Thread.currentThread().interrupt();
        };

        assertThatThrownBy(() -> Evaluation.compare(ORIGINAL, CANDIDATE, folder, TEXT, 70, 128, interrupting))
                .isInstanceOf(InterruptedException.class)
                .hasMessageContaining("windows through layers interrupted, 1 of 140");
        assertThat(told).hasSize(1);
        assertThat(Thread.interrupted()).isFalse();
    }

    private static Optional<InputRounding> rounding(String name) {
        return name.endsWith("_proj.weight") ? Optional.of(new DynamicRounding(Code.INT8, 0)) : Optional.empty();
    }

    private static TestModels.Weights disturbed() {
        TestModels.Weights disturbed = ORIGINAL;
        // The embedding is the head as well.
        for (String name : List.of("model.layers.1.mlp.down_proj.weight", "model.embed_tokens.weight")) {
            float[] coarse = ORIGINAL.of(name).clone();
            for (int i = 0; i < coarse.length; i++) {
                coarse[i] = Math.round(coarse[i] * 4) / 4f;
            }
            disturbed = disturbed.with(name, coarse);
        }
        return disturbed;
    }

    private static double[] logSoftmax(float[] logits) {
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit);
        }
        double[] log = new double[logits.length];
        for (int i = 0; i < log.length; i++) {
            log[i] = logits[i] - Math.log(sum);
        }
        return log;
    }

    private static int likeliest(double[] values) {
        int best = 0;
        for (int i = 1; i < values.length; i++) {
            best = values[i] > values[best] ? i : best;
        }
        return best;
    }
}
