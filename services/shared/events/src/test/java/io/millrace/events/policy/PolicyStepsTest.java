package io.millrace.events.policy;

import static io.millrace.events.policy.SmallPolicy.SMALL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.CompressedModules;
import io.millrace.events.Device;
import io.millrace.events.GgufPartLimit;
import io.millrace.events.GgufTensorTypes;
import io.millrace.events.GgufTensorTypes.PatternType;
import io.millrace.events.Literature;
import io.millrace.events.Parameters;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the steps of a recipe may say, each method and format by itself. */
class PolicyStepsTest {
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

    @Test
    void neuronsAreRankedByTheirWeightsUnlessThePolicySaysActivations() throws PolicyException {
        String policy = SMALL.replace("evaluate:", "calibrate: {text: c.txt}\nevaluate:")
                .replace("[quantize: {format: gguf, type: Q8_0}]", "[prune: {method: neurons, fraction: 0.5%s}]");

        assertThat(firstStep(policy.formatted(""))).isEqualTo(new Parameters.Neurons(0.5, 32));
        assertThat(firstStep(policy.formatted(", importance: weights"))).isEqualTo(new Parameters.Neurons(0.5, 32));
        assertThat(firstStep(policy.formatted(", importance: activations"))).isEqualTo(ranked(16, 512));
        assertThat(firstStep(policy.formatted(", importance: activations, sequences: 8, length: 64")))
                .isEqualTo(ranked(8, 64));
        assertThat(ranked(8, 64).summary()).isEqualTo("prune neurons by activations");
    }

    private static Parameters ranked(int sequences, int length) {
        return new Parameters.Neurons(0.5, 32, Optional.of(new Parameters.Neurons.Activations(sequences, length)));
    }

    private static Parameters parameters(String step) throws PolicyException {
        return firstStep(SMALL.replace("{format: gguf, type: Q8_0}", step));
    }

    private static Parameters firstStep(String policy) throws PolicyException {
        return PolicyFile.parse(policy)
                .targets()
                .getFirst()
                .ladder()
                .getFirst()
                .steps()
                .getFirst()
                .parameters();
    }
}
