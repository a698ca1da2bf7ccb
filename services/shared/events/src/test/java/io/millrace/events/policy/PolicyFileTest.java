package io.millrace.events.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.ArtifactRef;
import io.millrace.events.CompressedModules;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.GgufPartLimit;
import io.millrace.events.GgufTensorTypes;
import io.millrace.events.GgufTensorTypes.PatternType;
import io.millrace.events.Limit;
import io.millrace.events.Literature;
import io.millrace.events.Metric;
import io.millrace.events.ModelName;
import io.millrace.events.Parameters;
import io.millrace.events.Policy;
import io.millrace.events.Recipe;
import io.millrace.events.Step;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PolicyFileTest {
    private static final String FULL = """
            policy: chat-models
            models: "chat-*"
            work-on: cpu                          # a comment
            evaluate:  {text: eval.txt, sequences: 64, length: 512}
            calibrate: {text: calibration.txt, sequences: 100, length: 256, seed: 3}
            on-newer-checkpoint: supersede
            targets:
              - name: phone
                device: jetson
                recipes:
                  - [prune: {method: neurons, fraction: 0.25}, distill: {steps: 60, device: h100}, quantize: {format: gguf, type: Q4_K_M}]
                  - {prune: {method: magnitude, fraction: 0.5}, quantize: {format: compressed-tensors, scheme: W4A16}}
                  - - prune: {method: magnitude, threshold: 1e-3, global: true}
                    - distill: {}
                gate: {perplexity-increase: "<= 5%", size-ratio: 0.45, same-top-token: ">= 90%", generation-rate: ">=20"}
              - name: laptop
                recipes:
                  - quantize: {format: gguf, type: Q8_0}
                gate: {kl-divergence: <= 0.01}
            """;

    private static final String SMALL = """
            policy: p
            models: "*"
            evaluate: {text: e.txt}
            targets:
              - name: t
                recipes:
                  - [quantize: {format: gguf, type: Q8_0}]
                gate: {size-ratio: 0.6}
            """;

    @Test
    void whatChangesNothingIsRemarkedWithItsLine() throws PolicyException {
        assertThat(PolicyFile.parse(FULL).remarks())
                .hasSize(2)
                .allSatisfy(remark -> assertThat(remark).contains("5", "'calibrate' changes nothing", "'steps'"))
                .satisfiesExactly(
                        first -> assertThat(first).contains("'sequences'"),
                        second -> assertThat(second).contains("'length' under"));
        assertThat(PolicyFile.parse(FULL.replace("sequences: 100, length: 256, ", ""))
                        .remarks())
                .isEmpty();
        assertThat(PolicyFile.parse(SMALL).remarks()).isEmpty();
    }

    @Test
    void fullPolicyIsReadAsWritten() throws PolicyException {
        PolicyDraft draft = PolicyFile.parse(FULL);

        assertThat(draft.name()).isEqualTo("chat-models");
        assertThat(draft.models()).isEqualTo("chat-*");
        assertThat(draft.onNewer()).isEqualTo(Policy.OnNewer.SUPERSEDE);
        assertThat(draft.evaluation()).isEqualTo(new TextDraft(Path.of("eval.txt"), 64, 512, 0));
        assertThat(draft.calibration()).contains(new TextDraft(Path.of("calibration.txt"), 100, 256, 3));
        assertThat(draft.targets()).extracting(TargetDraft::name).containsExactly("phone", "laptop");
        assertThat(draft.targets().getFirst().device()).isEqualTo(new Device("jetson"));
        assertThat(draft.targets().getLast().device()).isEqualTo(Device.CPU);
        assertThat(draft.targets().getFirst().gate().limits())
                .containsExactly(
                        new Limit(Metric.PERPLEXITY_INCREASE, Limit.Comparison.AT_MOST, 0.05),
                        new Limit(Metric.SIZE_RATIO, Limit.Comparison.AT_MOST, 0.45),
                        new Limit(Metric.SAME_TOP_TOKEN, Limit.Comparison.AT_LEAST, 0.9),
                        new Limit(Metric.GENERATION_RATE, Limit.Comparison.AT_LEAST, 20));
    }

    @Test
    void recipesMayBeListsOrMapsAndDefaultsFollowTheStepsAfter() throws PolicyException {
        List<RecipeDraft> ladder = PolicyFile.parse(FULL).targets().getFirst().ladder();

        assertThat(ladder.stream().map(recipe -> recipe.resolve(PolicyInputs.UNSTORED)))
                .containsExactly(
                        new Recipe(List.of(
                                new Step(new Parameters.Neurons(0.25, 256), Device.CPU),
                                new Step(new Parameters.Distill(60, 8, 128, 2, 0, 5e-4, false), new Device("h100")),
                                new Step(new Parameters.Gguf("Q4_K_M"), Device.CPU))),
                        new Recipe(List.of(
                                new Step(
                                        new Parameters.Magnitude(OptionalDouble.of(0.5), OptionalDouble.empty(), false),
                                        Device.CPU),
                                new Step(new Parameters.CompressedTensors("W4A16"), Device.CPU))),
                        new Recipe(List.of(
                                new Step(
                                        new Parameters.Magnitude(OptionalDouble.empty(), OptionalDouble.of(1e-3), true),
                                        Device.CPU),
                                new Step(new Parameters.Distill(300, 8, 128, 2, 0, 5e-4, true), Device.CPU))));
    }

    @Test
    void smallPolicyTakesTheDefaults() throws PolicyException {
        PolicyDraft draft = PolicyFile.parse(SMALL);

        assertThat(draft.workOn()).isEqualTo(Device.CPU);
        assertThat(draft.onNewer()).isEqualTo(Policy.OnNewer.KEEP);
        assertThat(draft.evaluation()).isEqualTo(new TextDraft(Path.of("e.txt"), 64, 512, 0));
        assertThat(draft.calibration()).isEmpty();
    }

    @Test
    void workIsDoneAndSpeedMeasuredWhereThePolicySaysUnlessItSaysOtherwise() throws PolicyException {
        TargetDraft target = PolicyFile.parse(SMALL.replace("evaluate:", "work-on: h100\nevaluate:"))
                .targets()
                .getFirst();

        assertThat(target.device()).isEqualTo(new Device("h100"));
        assertThat(target.ladder().getFirst().steps())
                .extracting(StepDraft::device)
                .containsExactly(new Device("h100"));
    }

    @Test
    void leastAndLongestValuesAreTaken() throws PolicyException {
        String name = "p".repeat(128);
        PolicyDraft draft = PolicyFile.parse(SMALL.replace("policy: p", "policy: " + name)
                .replace("{text: e.txt}", "{text: e.txt, sequences: 1, length: 4}"));

        assertThat(draft.name()).isEqualTo(name);
        assertThat(draft.evaluation()).isEqualTo(new TextDraft(Path.of("e.txt"), 1, 4, 0));
        assertThatThrownBy(() -> PolicyFile.parse(SMALL.replace("policy: p", "policy: p" + name)))
                .hasMessageContaining("is not a name");
    }

    @Test
    void aPatternFitsWholeNamesAndStarsAloneStandForOtherCharacters() throws PolicyException {
        assertThat(matched("*")).containsExactly("chat", "chat-7b", "my-chat", "chat.7b");
        assertThat(matched("chat-*")).containsExactly("chat-7b");
        assertThat(matched("*chat")).containsExactly("chat", "my-chat");
        assertThat(matched("chat.7b")).containsExactly("chat.7b");
        assertThat(matched("c*t*b")).containsExactly("chat-7b", "chat.7b");
    }

    private static List<String> matched(String pattern) throws PolicyException {
        Policy policy = PolicyFile.parse(SMALL.replace("models: \"*\"", "models: \"" + pattern + "\""))
                .resolve(PolicyInputs.UNSTORED, 1, 1);
        return Stream.of("chat", "chat-7b", "my-chat", "chat.7b")
                .filter(name -> policy.matches(new ModelName(name)))
                .toList();
    }

    @Test
    void textsLieBesideTheFile(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("policy.yaml"), SMALL);

        assertThat(PolicyFile.parse(file).evaluation().text()).isEqualTo(folder.resolve("e.txt"));
    }

    @Test
    void draftBecomesAPolicyOnceItsTextsHaveDigests() throws PolicyException {
        Policy policy = PolicyFile.parse(FULL).resolve(PolicyInputs.UNSTORED, 4, 2);

        assertThat(policy.revision()).isEqualTo(4);
        assertThat(policy.backfill()).isEqualTo(2);
        assertThat(policy.targets()).hasSize(2).allSatisfy(target -> {
            assertThat(target.evaluation().text()).isEqualTo(ArtifactRef.inStore(Digest.of("eval.txt")));
            assertThat(target.calibration().orElseThrow().seed()).isEqualTo(3);
            assertThat(target.workOn()).isEqualTo(Device.CPU);
        });
    }

    @Test
    void ggufStepMaySayTheTypesOfTensorsAndNameAnImportanceMatrix(@TempDir Path folder) throws Exception {
        String step = "{format: gguf, type: Q2_K_S, pure: true, token-embedding-type: Q8_0, output-tensor-type: Q6_K,"
                + " tensor-type: {\"attn_v|ffn_down\": Q4_K, attn: Q3_K}, split-max-size: 4G, importance: imatrix.gguf}";
        Path file = Files.writeString(folder.resolve("policy.yaml"), SMALL.replace("{format: gguf, type: Q8_0}", step));

        RecipeDraft recipe =
                PolicyFile.parse(file).targets().getFirst().ladder().getFirst();

        Parameters.Gguf expected = new Parameters.Gguf(
                "Q2_K_S",
                new GgufTensorTypes(
                        true,
                        Optional.of("Q8_0"),
                        Optional.of("Q6_K"),
                        List.of(new PatternType("attn_v|ffn_down", "Q4_K"), new PatternType("attn", "Q3_K"))),
                Optional.of(new GgufPartLimit.Size(4_000_000_000L)));
        assertThat(recipe.steps())
                .containsExactly(new StepDraft(expected, Device.CPU, Optional.of(folder.resolve("imatrix.gguf"))));
        assertThat(recipe.summary())
                .isEqualTo("gguf Q2_K_S, pure, embedding Q8_0, head Q6_K, attn_v|ffn_down=Q4_K, attn=Q3_K,"
                        + " in parts of 4G, by importance");
        assertThat(expected.canonicalJson())
                .isEqualTo("{\"output-tensor-type\":\"Q6_K\",\"pure\":true,\"split-max-size\":4000000000,"
                        + "\"tensor-type\":[\"attn_v|ffn_down=Q4_K\",\"attn=Q3_K\"],"
                        + "\"token-embedding-type\":\"Q8_0\",\"type\":\"Q2_K_S\"}");
    }

    @Test
    void onnxHasItsOwnTypes() throws PolicyException {
        String yaml = SMALL.replace("{format: gguf, type: Q8_0}", "{format: onnx, type: int4}");

        assertThat(PolicyFile.parse(yaml)
                        .targets()
                        .getFirst()
                        .ladder()
                        .getFirst()
                        .steps())
                .containsExactly(new StepDraft(new Parameters.Onnx("int4"), Device.CPU, Optional.empty()));
        assertThatThrownBy(() -> PolicyFile.parse(yaml.replace("int4", "Q8_0")))
                .hasMessageContaining("unknown type 'Q8_0'");
    }

    @Test
    void aFolderMayGoIntoSeveralFilesToo() throws PolicyException {
        Parameters step = parameters("{format: compressed-tensors, scheme: W4A16, split-max-size: 4G}");

        assertThat(step)
                .isEqualTo(new Parameters.CompressedTensors(
                        "W4A16", CompressedModules.ALIKE, Optional.of(new GgufPartLimit.Size(4_000_000_000L))));
        assertThat(step.canonicalJson()).isEqualTo("{\"scheme\":\"W4A16\",\"split-max-size\":4000000000}");
        assertThat(step.summary()).isEqualTo("compressed-tensors W4A16, in parts of 4G");
        assertThatThrownBy(() -> parameters("{format: compressed-tensors, scheme: W4A16, split-max-tensors: 4}"))
                .hasMessageContaining("unknown key 'split-max-tensors'");
    }

    @Test
    void modulesMayHaveOtherSchemesOrNone() throws PolicyException {
        String text = "{format: compressed-tensors, scheme: W4A16, module-scheme: {down_proj: W8A16, \"q|k\": W8A8},"
                + " ignore: [\"layers.0.\", o_proj]}";

        Parameters step = parameters(text);

        assertThat(step)
                .isEqualTo(new Parameters.CompressedTensors(
                        "W4A16",
                        new CompressedModules(
                                List.of(
                                        new CompressedModules.PatternScheme("down_proj", "W8A16"),
                                        new CompressedModules.PatternScheme("q|k", "W8A8")),
                                List.of("layers.0.", "o_proj")),
                        Optional.empty()));
        assertThat(step.canonicalJson())
                .isEqualTo(
                        "{\"ignore\":[\"layers.0.\",\"o_proj\"],\"module-scheme\":[\"down_proj=W8A16\",\"q|k=W8A8\"],"
                                + "\"scheme\":\"W4A16\"}");
        assertThat(step.summary()).isEqualTo("compressed-tensors W4A16, 4 patterns of modules");
        assertThat(parameters("{format: compressed-tensors, scheme: W4A16, ignore: [o_proj]}")
                        .summary())
                .isEqualTo("compressed-tensors W4A16, dense o_proj");
        assertThatThrownBy(() -> parameters(text.replace("W8A8", "W8A9"))).hasMessageContaining("unknown q|k 'W8A9'");
        assertThatThrownBy(() -> parameters(text.replace("o_proj", "\"(\"")))
                .hasMessageContaining("'(' is not a pattern of module names: Unclosed group");
        assertThatThrownBy(() -> parameters(text.replace(", o_proj", ", [o_proj]")))
                .hasMessageContaining("'ignore' must be a list of single values, found a list");
    }

    @Test
    void aSchemeOfTheLiteratureTakesItsOwnParametersAndNoOthers() throws PolicyException {
        assertThat(parameters("{format: literature, scheme: binary}")).isEqualTo(Literature.of("binary"));
        assertThat(parameters("{format: literature, scheme: ternary}"))
                .isEqualTo(new Literature.Ternary(0.7, Optional.empty()));
        Parameters all = parameters(
                "{format: literature, scheme: uniform, bits: 4, levels: 127, input-bits: 8, input-levels: 16}");

        assertThat(all)
                .isEqualTo(new Literature.Uniform(
                        4, OptionalDouble.of(127), Optional.of(new Literature.Inputs(8, OptionalDouble.of(16)))));
        assertThat(all.canonicalJson())
                .isEqualTo(
                        "{\"bits\":4,\"input-bits\":8,\"input-levels\":16.0,\"levels\":127.0,\"scheme\":\"uniform\"}");
        assertThat(all.summary()).isEqualTo("literature uniform, 4 bits, inputs of 8 bits");
        assertThatThrownBy(() -> parameters("{format: literature, scheme: binary, bits: 4}"))
                .hasMessageContaining("unknown key 'bits'");
        assertThatThrownBy(() -> parameters("{format: literature, scheme: ternary, input-levels: 4}"))
                .hasMessageContaining("'input-bits' is missing");
        assertThatThrownBy(() -> parameters("{format: literature, scheme: uniform, bits: 9}"))
                .hasMessageContaining("'bits' is 9.0 but must lie in 2.0 to 8.0");
        assertThatThrownBy(() -> parameters("{format: literature, scheme: cubic}"))
                .hasMessageContaining("unknown scheme 'cubic'");
    }

    /** A run's state holds what each of them measured, and is one event. */
    @Test
    void aLadderWithoutEndIsRefused() {
        String rungs = IntStream.rangeClosed(1, 65)
                .mapToObj(steps -> "      - [distill: {steps: " + steps + "}, quantize: {format: gguf, type: Q8_0}]\n")
                .collect(Collectors.joining());
        String policy = """
                policy: long
                models: "*"
                evaluate: {text: e.txt}
                calibrate: {text: c.txt}
                targets:
                  - name: t
                    recipes:
                %s    gate: {size-ratio: "<= 0.9"}
                """;

        assertThatThrownBy(() -> PolicyFile.parse(policy.formatted(rungs)))
                .hasMessageContaining("a ladder has at most 64 recipes");
    }

    @Test
    void neuronsAreRankedByTheirWeightsUnlessThePolicySaysActivations() throws PolicyException {
        String policy = SMALL.replace("evaluate:", "calibrate: {text: c.txt}\nevaluate:")
                .replace("[quantize: {format: gguf, type: Q8_0}]", "[prune: {method: neurons, fraction: 0.5%s}]");

        assertThat(pruned(policy.formatted(""))).isEqualTo(new Parameters.Neurons(0.5, 32));
        assertThat(pruned(policy.formatted(", importance: weights"))).isEqualTo(new Parameters.Neurons(0.5, 32));
        assertThat(pruned(policy.formatted(", importance: activations"))).isEqualTo(ranked(16, 512));
        assertThat(pruned(policy.formatted(", importance: activations, sequences: 8, length: 64")))
                .isEqualTo(ranked(8, 64));
        assertThat(ranked(8, 64).summary()).isEqualTo("prune neurons by activations");
    }

    private static Parameters ranked(int sequences, int length) {
        return new Parameters.Neurons(0.5, 32, Optional.of(new Parameters.Neurons.Activations(sequences, length)));
    }

    private static Parameters pruned(String policy) throws PolicyException {
        return PolicyFile.parse(policy)
                .targets()
                .getFirst()
                .ladder()
                .getFirst()
                .steps()
                .getFirst()
                .parameters();
    }

    private static Parameters parameters(String step) throws PolicyException {
        return PolicyFile.parse(SMALL.replace("{format: gguf, type: Q8_0}", step))
                .targets()
                .getFirst()
                .ladder()
                .getFirst()
                .steps()
                .getFirst()
                .parameters();
    }

    /** One thing is changed in the small policy; the message has the line and what was meant. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            models: "*"           | model: "*"            | policy:1: 'models' is missing; found 'model', did you mean 'models'?
            policy: p             | policy: p/q           | policy:1: 'p/q' is not a name
            models: "*"           | models: "a b"         | policy:2: 'a b' is not a pattern of model names
            models: "*"           | models: *             | policy:2:
            models: "*"           | models: *x            | policy:2: '*x' is an alias in YAML
            evaluate:             | evalute:              | policy:1: 'evaluate' is missing; found 'evalute', did you mean 'evaluate'?
            evaluate: {           | work-no: cpu\\nevaluate: { | policy:3: unknown key 'work-no'; did you mean 'work-on'?
            {text: e.txt}         | {txt: e.txt}          | policy:3: 'text' is missing; found 'txt', did you mean 'text'?
            {text: e.txt}         | {text: e.txt, size: 3} | policy:3: unknown key 'size'; known: length, sequences, text
            {text: e.txt}         | {text: e.txt, length: long} | policy:3: 'length' is 'long' but must be a whole number
            {text: e.txt}         | {text: e.txt, sequences: 0} | policy:3: 'sequences' is 0 but must be at least 1
            {text: e.txt}         | {text: e.txt, length: 3} | policy:3: 'length' is 3 but must be at least 4
            {text: e.txt}         | {text: e.txt}\\ncalibrate: {text: c.txt, sequences: 0} | policy:4: 'sequences' is 0 but must be at least 1
            {text: e.txt}         | {text: e.txt}\\ncalibrate: {text: c.txt, length: 1} | policy:4: 'length' is 1 but must be at least 2
            {text: e.txt}         | {text: e.txt}\\ncalibrate: {text: c.txt, sede: 1} | policy:4: unknown key 'sede'; did you mean 'seed'?
            {text: e.txt}         | e.txt                 | policy:3: 'evaluate' must be a map, found 'e.txt'
            name: t               | name: t\\n    devise: cpu | policy:6: unknown key 'devise'; did you mean 'device'?
            name: t               | name: t\\n    device: CPU | policy:6: 'CPU' is not a device class
            [quantize             | [quantise             | policy:7: unknown stage 'quantise'; did you mean 'quantize'?
            format: gguf          | format: ggml          | policy:7: unknown format 'ggml'; did you mean 'gguf'?
            type: Q8_0            | type: Q4_K            | policy:7: unknown type 'Q4_K'; did you mean 'Q4_K_M'?
            type: Q8_0            | type: Q8_0, method: gptq | policy:7: unknown method 'gptq'; known: round-to-nearest
            type: Q8_0            | type: Q2_K_S          | policy:7: Q2_K_S is too coarse without an importance matrix; add 'importance: FILE'
            type: Q8_0            | type: F16, tensor-type: {attn_v: Q8_0} | policy:7: quantize: F16 files hold all matrices in one type, but attn_v=Q8_0 is asked for
            type: Q8_0            | type: Q8_0, tensor-type: {attn_v: Q9_0} | policy:7: unknown attn_v 'Q9_0'; did you mean
            type: Q8_0            | type: Q8_0, tensor-type: {"attn_(": Q8_0} | policy:7: 'attn_(' is not a pattern of tensor names: Unclosed group
            type: Q8_0            | type: Q8_0, tensor-type: attn_v=Q8_0 | policy:7: 'tensor-type' must be a map, found 'attn_v=Q8_0'
            type: Q8_0            | type: Q8_0, output-tensor-type: Q4_K_M | policy:7: unknown output-tensor-type 'Q4_K_M'; did you mean 'Q4_K'?
            type: Q8_0            | type: Q8_0, split-max-size: 4T | policy:7: quantize: 'split-max-size' is '4T' but must be a size such as 4G or 500M
            type: Q8_0            | type: Q8_0, split-max-tensors: 0 | policy:7: 'split-max-tensors' is 0 but must be at least 1
            type: Q8_0            | type: Q8_0, split-max-tensors: 9, split-max-size: 4G | policy:7: 'split-max-size' and 'split-max-tensors' exclude each other
            type: Q8_0            | type: Q8_0, pure: yes | policy:7: unknown pure 'yes'; known: false, true
            type: Q8_0            | type: Q8_0, output-type: Q6_K | policy:7: unknown key 'output-type'; known: device
            format: gguf, type: Q8_0 | format: compressed-tensors, scheme: W4A16, importance: i.dat | policy:7: unknown key 'importance'
            type: Q8_0}           | type: Q8_0}, prune: {method: neurons, fraction: 0.1} | policy:7: nothing can follow a quantize step
            type: Q8_0}           | type: Q8_0}, quantize: {format: gguf, type: Q6_K} | policy:7: nothing can follow a quantize step
            [quantize             | [distill: {}, quantize | policy:7: distill needs a text
            [quantize             | [distill: {learning-rate: 0}, quantize | policy:7: distill: 'learning-rate' is 0 but must lie above 0
            [quantize             | [prune: {method: neurons}, quantize | policy:7: 'fraction' is missing
            [quantize             | [prune: {method: neurons, fraction: 0.5, importance: activations}, quantize | policy:7: prune by activations needs a text; add 'calibrate: {text: FILE}'
            [quantize             | [prune: {method: neurons, fraction: 0.5, importance: activation}, quantize | policy:7: unknown importance 'activation'; did you mean 'activations'?
            [quantize             | [prune: {method: neurons, fraction: 0.5, sequences: 4}, quantize | policy:7: unknown key 'sequences'; known:
            [quantize             | [prune: {method: neurons, fraction: 0.5, importance: activations, sequences: 0}, quantize | policy:7: prune: 'sequences' is 0.0
            [quantize             | [prune: {method: magnitude, fraction: 0.5, importance: activations}, quantize | policy:7: unknown key 'importance'
            [quantize             | [prune: {method: neurons, fraction: 2}, quantize | policy:7: prune: 'fraction' is 2.0
            [quantize             | [prune: {method: magnitude}, quantize | policy:7: prune: magnitude pruning takes either
            {size-ratio: 0.6}     | {}                    | policy:8: a gate has at least one limit
            {size-ratio: 0.6}     | {size: "<= 5%"}       | policy:8: 'size' is no ratio
            {size-ratio: 0.6}     | {sise-ratio: 0.6}     | policy:8: unknown metric 'sise-ratio'; did you mean 'size-ratio'?
            {size-ratio: 0.6}     | {size-ratio: "< 1"}   | policy:8: limit of 'size-ratio' is '< 1'
            {size-ratio: 0.6}     | {size-ratio: "<= e"}  | policy:8: 'e' is not a number
            {size-ratio: 0.6}     | {size-ratio: 1e999}   | policy:8: '1e999' is not a number
            {size-ratio: 0.6}     | {size-ratio: 1e-2147483647%} | policy:8: '1e-2147483647' is not a number
            {size-ratio: 0.6}     | {same-top-token: ">= 90"} | policy:8: 'same-top-token' is a share and never above 1; did you mean '90.0%'?
            {size-ratio: 0.6}     | {size: "<= 4G"}       | policy:8: limit of 'size' is '<= 4G'; write "<= NUMBER" or ">= NUMBER", a plain number in the unit byte
            {size-ratio: 0.6}     | {size-ratio: >= 1}    | policy:8: not YAML: while scanning for the next token, found character '>' that cannot start any token; values that start with > or * need quotes
            models:               | \\tmodels:            | policy:2: not YAML: while scanning for the next token, found character '\\t(TAB)' that cannot start any token. (Do not use \\t(TAB) for indentation)
            {text: e.txt}         | []                    | policy:3: 'evaluate' must be a map, found an empty list
            {size-ratio: 0.6}     | {size-ratio: 1, size-ratio: 2} | policy:8: 'size-ratio' is there twice
            {size-ratio: 0.6}     | {size-ratio: }        | policy:8: a value is missing
            """)
    void mistakesAreNamedWithTheirLine(String right, String wrong, String message) {
        String yaml = SMALL.replace(right, wrong.replace("\\n", "\n").replace("\\t", "\t"));
        assertThat(yaml).isNotEqualTo(SMALL);

        assertThatThrownBy(() -> PolicyFile.parse(yaml))
                .isInstanceOf(PolicyException.class)
                .hasMessageStartingWith(message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            same-top-token: <= 90%       | policy:8: 'same-top-token <= 0.9' lets the worse candidates pass, since more is better here; did you mean '>='?
            'kl-divergence: ">= 0.01"'   | policy:8: 'kl-divergence >= 0.01' lets the worse candidates pass, since less is better here; did you mean '<='?
            same-top-token: <= 90        | policy:8: 'same-top-token <= 90.0' lets the worse candidates pass, since more is better here; did you mean '>='?
            perplexity-increase: 1       | policy:8: 'perplexity-increase <= 1.0' allows 100.0 %; did you mean '1.0%'?
            perplexity-increase: <= 5    | policy:8: 'perplexity-increase <= 5.0' allows 500.0 %; did you mean '5.0%'?
            size-ratio: 45               | policy:8: 'size-ratio <= 45.0' allows 4500.0 %; did you mean '45.0%'?
            """)
    void aLimitThatLetsTheWorsePassIsRemarked(String limit, String remark) throws PolicyException {
        assertThat(PolicyFile.parse(SMALL.replace("size-ratio: 0.6", limit)).remarks())
                .containsExactly(remark);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "perplexity-increase: <= 500%",
                "perplexity-increase: <= -0.05",
                "size-ratio: 1.1",
                "perplexity: <= 12",
                "generation-speedup: 2",
                "same-top-token: 90%"
            })
    void aLimitThatMayBeMeantIsNotRemarked(String limit) throws PolicyException {
        assertThat(PolicyFile.parse(SMALL.replace("size-ratio: 0.6", limit)).remarks())
                .isEmpty();
    }

    @Test
    void targetsAndRungsAreNotRepeated() {
        String rung = "      - [quantize: {format: gguf, type: Q8_0}]\n";

        assertThatThrownBy(() -> PolicyFile.parse(SMALL.replace(rung, rung + rung)))
                .hasMessage("policy:8: recipe 'gguf Q8_0' is on the ladder already");
        assertThatThrownBy(() -> PolicyFile.parse(SMALL + SMALL.substring(SMALL.indexOf("  - name"))))
                .hasMessage("policy:9: target 't' is there twice");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {text: e.txt}                    | {text: "e\\0"}                                               | 3 | text
            {text: e.txt}                    | {text: e.txt}\\ncalibrate: {text: "e\\0"}                    | 4 | text
            {format: gguf, type: Q8_0}       | {format: gguf, type: Q8_0, importance: "e\\0"}               | 7 | importance
            """)
    void aNameThatNoFileCanHaveIsToldWithItsLine(String sound, String broken, int line, String key) {
        assertThatThrownBy(() -> PolicyFile.parse(SMALL.replace(sound, broken.replace("\\n", "\n"))))
                .isInstanceOf(PolicyException.class)
                .hasMessageStartingWith("policy:" + line + ": '" + key + "' is 'e\0', which no file can be called")
                .hasMessageEndingWith("name a file beside the policy");
    }

    @Test
    void whatIsNotAPolicyAtAllIsSaidSo(@TempDir Path folder) throws Exception {
        Path binary = Files.write(folder.resolve("p.yaml"), new byte[] {(byte) 0xff, (byte) 0xfe});

        assertThatThrownBy(() -> PolicyFile.parse("")).hasMessageContaining("starts with 'policy: NAME'");
        assertThatThrownBy(() -> PolicyFile.parse("- a")).hasMessageContaining("starts with 'policy: NAME'");
        assertThatThrownBy(() -> PolicyFile.parse(SMALL + "---\npolicy: q\n"))
                .hasMessageContaining("a second document");
        assertThatThrownBy(() -> PolicyFile.parse(binary)).hasMessage(binary + ": is not UTF-8 text; save it as UTF-8");
    }
}
