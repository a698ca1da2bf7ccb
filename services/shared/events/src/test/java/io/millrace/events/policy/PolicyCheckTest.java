package io.millrace.events.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.millrace.events.ArtifactRef;
import io.millrace.events.CompressedModules;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Gate;
import io.millrace.events.GgufTensorTypes;
import io.millrace.events.GgufTensorTypes.PatternType;
import io.millrace.events.Limit;
import io.millrace.events.Literature;
import io.millrace.events.Metric;
import io.millrace.events.ModelNumbers;
import io.millrace.events.Parameters;
import io.millrace.events.Recipe;
import io.millrace.events.Step;
import io.millrace.events.Target;
import io.millrace.events.TextUse;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PolicyCheckTest {
    /** Embedding 256 × 256, two layers of 4 × 256² attention and 3 × 256 × 1024 feed-forward. */
    private static final ModelNumbers MODEL =
            new ModelNumbers("LlamaForCausalLM", 2_163_968, 256, 256, 1024, 2, 4, 4, 512, "BF16");

    @Test
    void ladderThatMayPassHasNoImpossibleRung() {
        assertThat(check(
                        0.45,
                        512,
                        List.of(
                                List.of(new Parameters.Neurons(0.25, 256), new Parameters.Gguf("Q4_K_M")),
                                List.of(new Parameters.Gguf("Q6_K")),
                                List.of(new Parameters.CompressedTensors("W4A16")))))
                .isEmpty();
    }

    @Test
    void fileTypeLargerThanTheLimitIsNamedWithItsLeastRatio() {
        assertThat(check(
                        0.45, 512, List.of(List.of(new Parameters.Gguf("Q4_0")), List.of(new Parameters.Gguf("Q8_0")))))
                .containsExactly(new ImpossibleRung(
                        1, "gguf Q8_0", "size-ratio is at least 0.5313 with gguf Q8_0 but the gate asks for <= 0.45"));
    }

    @Test
    void denseEmbeddingOfAPackedFolderCounts() {
        assertThat(check(0.26, 512, List.of(List.of(new Parameters.CompressedTensors("W4A16")))))
                .singleElement()
                .satisfies(rung -> assertThat(rung.reason()).startsWith("size-ratio is at least 0.2803"));
    }

    @Test
    void embeddingOfTheWantedTypeAndTheSmallestTypeOfAnyTensorCount() {
        Parameters.Gguf wide = new Parameters.Gguf("Q4_0", types("F16", List.of()), Optional.empty());
        Parameters.Gguf mixed =
                new Parameters.Gguf("Q8_0", types("Q8_0", List.of(new PatternType("ffn", "Q4_0"))), Optional.empty());

        assertThat(check(0.285, 512, List.of(List.of(new Parameters.Gguf("Q4_0")), List.of(wide), List.of(mixed))))
                .extracting(ImpossibleRung::reason)
                .containsExactly(
                        "size-ratio is at least 0.3030 with gguf Q4_0, embedding F16 but the gate asks for <= 0.285",
                        "size-ratio is at least 0.2888 with gguf Q8_0, embedding Q8_0, ffn=Q4_0 but the gate asks for"
                                + " <= 0.285");
    }

    private static GgufTensorTypes types(String embedding, List<PatternType> byPattern) {
        return new GgufTensorTypes(false, Optional.of(embedding), Optional.empty(), byPattern);
    }

    @Test
    void typeThatIsTooCoarseWithoutAnImportanceMatrixIsRefusedWithoutOne() {
        Parameters.Gguf coarse = new Parameters.Gguf("Q2_K_S");
        Recipe with = new Recipe(
                List.of(new Step(coarse, Device.CPU, Optional.of(ArtifactRef.inStore(Digest.of("matrix"))))));

        assertThat(reasons(List.of(coarse)))
                .containsExactly("Q2_K_S is too coarse without an importance matrix; add 'importance' to the step");
        assertThat(PolicyCheck.impossibleRungs(MODEL, target(List.of(with), 512, Metric.SIZE_RATIO, 1)))
                .isEmpty();
    }

    @Test
    void schemeWhoseInputsAreRoundedTooMayKeepALimitOnQuality() {
        for (String scheme : List.of("FP8_DYNAMIC", "FP8_BLOCK", "W8A8", "MXFP4")) {
            Recipe recipe = new Recipe(List.of(new Step(new Parameters.CompressedTensors(scheme), Device.CPU)));

            assertThat(PolicyCheck.impossibleRungs(MODEL, target(List.of(recipe), 512, Metric.KL_DIVERGENCE, 0.1)))
                    .isEmpty();
        }
    }

    @Test
    void onnxMayKeepALimitOnQualityAndNoneOnSizeBelowItsCodesAndScales() {
        Recipe eight = new Recipe(List.of(new Step(new Parameters.Onnx("int8"), Device.CPU)));

        assertThat(PolicyCheck.impossibleRungs(MODEL, target(List.of(eight), 512, Metric.KL_DIVERGENCE, 0.1)))
                .isEmpty();
        assertThat(check(0.3, 512, List.of(List.of(new Parameters.Onnx("int4")))))
                .singleElement()
                .satisfies(
                        rung -> assertThat(rung.reason()).startsWith("size-ratio is at least 0.3125 with onnx int4"));
        assertThat(check(0.4, 512, List.of(List.of(new Parameters.Onnx("int4")))))
                .isEmpty();
    }

    @Test
    void smallestSchemeOfAnyModuleCountsAndRowsAreJudgedWhereAllAreAlike() {
        Parameters mixed = new Parameters.CompressedTensors(
                "W8A16",
                new CompressedModules(
                        List.of(new CompressedModules.PatternScheme("mlp", "W4A16_CHANNEL")), List.of("down_proj")),
                Optional.empty());

        assertThat(check(0.28, 512, List.of(List.of(mixed)))).isEmpty();
        assertThat(check(0.27, 512, List.of(List.of(mixed)))).hasSize(1);
        assertThat(reasons(List.of(new Parameters.Neurons(0.3, 32), mixed))).isEmpty();
    }

    @Test
    void codesOfTheLiteratureMayBeSmallButTheirFilesNeverAre() {
        Recipe binary = new Recipe(List.of(new Step(Literature.of("binary"), Device.CPU)));

        assertThat(PolicyCheck.impossibleRungs(MODEL, target(List.of(binary), 512, Metric.BITS_PER_WEIGHT, 1.45)))
                .singleElement()
                .satisfies(rung -> assertThat(rung.reason())
                        .startsWith("bits-per-weight is at least 1.454 with literature binary"));
        assertThat(check(1, 512, List.of(List.of(Literature.of("binary")))))
                .singleElement()
                .satisfies(rung -> assertThat(rung.reason()).startsWith("size-ratio is at least 1.061"));
    }

    @Test
    void pruningMakesRoomUnderTheLimit() {
        List<Parameters> pruned = List.of(new Parameters.Neurons(0.5, 256), new Parameters.Gguf("Q8_0"));

        assertThat(check(0.339, 512, List.of(pruned))).isEmpty();
        assertThat(check(0.338, 512, List.of(pruned))).hasSize(1);
    }

    /** A type that counted as larger than it is would keep a rung from being tried that might pass. */
    @ParameterizedTest
    @CsvSource({
        "TQ2_0, 66, 256",
        "Q2_K, 84, 256",
        "Q3_K, 110, 256",
        "Q3_K_S, 110, 256",
        "Q3_K_M, 110, 256",
        "Q3_K_L, 110, 256",
        "MXFP4, 17, 32",
        "MXFP4_MOE, 17, 32",
        "IQ4_XS, 136, 256",
        "IQ4_NL, 18, 32",
        "Q4_0, 18, 32",
        "Q4_1, 20, 32",
        "Q4_K, 144, 256",
        "Q4_K_S, 144, 256",
        "Q4_K_M, 144, 256",
        "Q5_0, 22, 32",
        "Q5_1, 24, 32",
        "Q5_K, 176, 256",
        "Q5_K_S, 176, 256",
        "Q5_K_M, 176, 256",
        "Q6_K, 210, 256",
        "Q8_0, 34, 32",
        "F16, 2, 1",
        "BF16, 2, 1",
        "F32, 4, 1"
    })
    void aTypeOfGgufTakesTheBitsOfItsBlocks(String type, int bytes, int weights) {
        Parameters.Gguf gguf = Parameters.Gguf.TYPES.contains(type)
                ? new Parameters.Gguf(type)
                : new Parameters.Gguf(
                        "Q8_0", types(Optional.empty(), List.of(new PatternType("ffn", type))), Optional.empty());

        assertLeastBits(MODEL, gguf, 8.0 * bytes / weights);
    }

    @Test
    void aHeadMayBeTheSmallestPartAndMakesNothingElseLarger() {
        assertLeastBits(
                MODEL, new Parameters.Gguf("Q4_0", types(Optional.of("F16"), List.of()), Optional.empty()), 4.5);
        assertLeastBits(
                MODEL, new Parameters.Gguf("Q8_0", types(Optional.of("Q4_0"), List.of()), Optional.empty()), 4.5);
    }

    @ParameterizedTest
    @CsvSource({"int4, 5", "int8, 9"})
    void onnxHasCodesAndAScaleForEach32(String type, double bits) {
        assertLeastBits(MODEL, new Parameters.Onnx(type), bits);
    }

    @ParameterizedTest
    @CsvSource({"BF16, 16", "F16, 16", "F32, 32"})
    void whatIsOnlyPrunedOrDistilledStaysAsWideAsItWas(String dtype, double bits) {
        ModelNumbers model = new ModelNumbers("LlamaForCausalLM", 2_163_968, 256, 256, 1024, 2, 4, 4, 512, dtype);

        assertLeastBits(model, new Parameters.Distill(1, 1, 128, 2, 0, 0.1, true), bits);
    }

    private static GgufTensorTypes types(Optional<String> head, List<PatternType> byPattern) {
        return new GgufTensorTypes(false, Optional.empty(), head, byPattern);
    }

    private static void assertLeastBits(ModelNumbers model, Parameters last, double bits) {
        Recipe recipe = new Recipe(List.of(new Step(last, Device.CPU)));
        double bytes = model.parameters() * bits / 8;

        assertThat(impossible(model, recipe, Metric.BITS_PER_WEIGHT, bits + 1e-6))
                .isEmpty();
        assertThat(impossible(model, recipe, Metric.BITS_PER_WEIGHT, bits - 1e-6))
                .hasSize(1);
        assertThat(impossible(model, recipe, Metric.SIZE, bytes)).isEmpty();
        assertThat(impossible(model, recipe, Metric.SIZE, bytes - 1)).hasSize(1);
    }

    private static List<ImpossibleRung> impossible(ModelNumbers model, Recipe recipe, Metric metric, double atMost) {
        return PolicyCheck.impossibleRungs(model, target(List.of(recipe), 512, metric, atMost));
    }

    @Test
    void aLimitFromBelowMakesNoRungImpossible() {
        Target target = new Target(
                "t",
                Device.CPU,
                Device.CPU,
                new TextUse(ArtifactRef.inStore(Digest.of("text")), 64, 512, 0),
                Optional.empty(),
                List.of(new Recipe(List.of(new Step(new Parameters.Gguf("Q8_0"), Device.CPU)))),
                new Gate(List.of(new Limit(Metric.SIZE_RATIO, Limit.Comparison.AT_LEAST, 0.1))));

        assertThat(PolicyCheck.impossibleRungs(MODEL, target)).isEmpty();
    }

    @Test
    void lengthBeyondTheModelSpoilsEveryRung() {
        assertThat(check(1, 513, List.of(List.of(new Parameters.Gguf("Q8_0")), List.of(new Parameters.Gguf("Q6_K")))))
                .extracting(ImpossibleRung::rung, ImpossibleRung::reason)
                .containsExactly(
                        tuple(0, "evaluation length is 513 tokens but the model has 512 positions; shorten it"),
                        tuple(1, "evaluation length is 513 tokens but the model has 512 positions; shorten it"));
    }

    @Test
    void prunedWidthThatTheQuantizeStepCannotHoldIsRefused() {
        assertThat(reasons(List.of(new Parameters.Neurons(0.25, 32), new Parameters.Gguf("Q4_K_M"))))
                .isEmpty();
        assertThat(reasons(List.of(new Parameters.Neurons(0.3, 32), new Parameters.Gguf("Q4_K_M"))))
                .containsExactly("Q4_K_M needs rows that are a multiple of 256 but the feed-forward width is 736;"
                        + " let the prune step round to 'multiple-of: 256'");
        assertThat(reasons(List.of(new Parameters.Neurons(0.3, 32), new Parameters.CompressedTensors("W4A16"))))
                .containsExactly("W4A16 needs rows that are a multiple of 128 but the feed-forward width is 736;"
                        + " let the prune step round to 'multiple-of: 128'");
    }

    @Test
    void aSchemeThatTheModelsOwnRowsDoNotFitNamesThoseThatTheyFit() {
        ModelNumbers model =
                new ModelNumbers("LlamaForCausalLM", 134_515_008, 49152, 576, 1536, 30, 9, 3, 8192, "BF16");
        Recipe recipe = new Recipe(List.of(new Step(new Parameters.CompressedTensors("W4A16"), Device.CPU)));

        assertThat(PolicyCheck.impossibleRungs(model, target(List.of(recipe), 512, Metric.SIZE_RATIO, 10)))
                .extracting(ImpossibleRung::reason)
                .containsExactly("W4A16 needs rows that are a multiple of 128 but the hidden size is 576;"
                        + " FP8_DYNAMIC and W8A8 take multiples of 16, a GGUF type takes rows of any length");
    }

    @Test
    void widthIsThatOfThePrunerWhereTheFractionIsNoBinaryNumber() {
        ModelNumbers model = new ModelNumbers("LlamaForCausalLM", 1_000_000, 256, 256, 640, 2, 4, 4, 512, "BF16");
        Parameters.Neurons neurons = new Parameters.Neurons(0.7, 1);
        Recipe recipe =
                new Recipe(List.of(new Step(neurons, Device.CPU), new Step(new Parameters.Onnx("int8"), Device.CPU)));

        assertThat(neurons.kept(640)).isEqualTo(192);
        assertThat(PolicyCheck.impossibleRungs(model, target(List.of(recipe), 512, Metric.SIZE_RATIO, 10)))
                .isEmpty();
        assertThat(new Parameters.Neurons(0.7, 32).kept(16))
                .as("never more than there are")
                .isEqualTo(16);
        assertThat(new Parameters.Neurons(0.9999, 1).kept(16)).as("never none").isEqualTo(1);
    }

    @Test
    void pruningThatRemovesNothingOrEverythingIsRefused() {
        assertThat(reasons(List.of(new Parameters.Neurons(0.1, 256))))
                .containsExactly(
                        "pruning a fraction of 0.1 removes none of 1024 neurons, since what stays is rounded up"
                                + " to a multiple of 256");
        assertThat(reasons(List.of(new Parameters.Neurons(1, 256))))
                .containsExactly("pruning a fraction of 1.0 leaves none of 1024 neurons");
    }

    @Test
    void distillLengthBeyondTheModelIsRefused() {
        assertThat(reasons(List.of(new Parameters.Distill(1, 1, 1024, 2, 0, 0.1, true))))
                .containsExactly("distill length is 1024 tokens but the model has 512 positions; shorten it");
    }

    @Test
    void windowsToRankNeuronsByThatAreLongerThanTheModelAreRefused() {
        Optional<Parameters.Neurons.Activations> windows = Optional.of(new Parameters.Neurons.Activations(16, 1024));

        assertThat(reasons(List.of(new Parameters.Neurons(0.25, 256, windows))))
                .containsExactly("prune length is 1024 tokens but the model has 512 positions; shorten it");
    }

    private static List<String> reasons(List<Parameters> recipe) {
        return check(10, 512, List.of(recipe)).stream()
                .map(ImpossibleRung::reason)
                .toList();
    }

    private static List<ImpossibleRung> check(double sizeRatio, int length, List<List<Parameters>> recipes) {
        List<Recipe> ladder = recipes.stream()
                .map(steps -> new Recipe(steps.stream()
                        .map(parameters -> new Step(parameters, Device.CPU))
                        .toList()))
                .toList();
        return PolicyCheck.impossibleRungs(MODEL, target(ladder, length, Metric.SIZE_RATIO, sizeRatio));
    }

    private static Target target(List<Recipe> ladder, int length, Metric metric, double atMost) {
        return new Target(
                "t",
                Device.CPU,
                Device.CPU,
                new TextUse(ArtifactRef.inStore(Digest.of("text")), 64, length, 0),
                Optional.empty(),
                ladder,
                new Gate(List.of(new Limit(metric, Limit.Comparison.AT_MOST, atMost))));
    }
}
