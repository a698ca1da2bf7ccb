package io.millrace.tensors.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.Shape;
import io.millrace.tensors.checkpoint.TinyModels;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class ArchitectureTest {
    @Test
    void llamaLayerHasNineTensorsWithTheirShapesAndGgufNames() throws IOException {
        Map<String, TensorRule> rules = rules("LlamaForCausalLM", "llama", false);

        assertThat(rules).hasSize(3 + 2 * 9);
        assertThat(rule(rules, "model.layers.1.self_attn.k_proj.weight"))
                .isEqualTo(new TensorRule(
                        "model.layers.1.self_attn.k_proj.weight",
                        Shape.of(64, 128),
                        new TensorRole.Linear(Projection.KEY),
                        OptionalInt.of(1),
                        OptionalInt.empty(),
                        "blk.1.attn_k.weight",
                        2,
                        0));
        assertThat(rule(rules, "model.layers.0.self_attn.q_proj.weight").permutedHeads())
                .isEqualTo(4);
        assertThat(rule(rules, "model.layers.0.mlp.down_proj.weight").shape()).isEqualTo(Shape.of(128, 256));
        assertThat(rule(rules, "lm_head.weight").ggufName()).isEqualTo("output.weight");
    }

    @Test
    void tiedModelHasNoHead() throws IOException {
        assertThat(rules("LlamaForCausalLM", "llama", true)).doesNotContainKey("lm_head.weight");
    }

    @Test
    void qwen2HasBiasesAndKeepsTheOrderOfItsRows() throws IOException {
        Map<String, TensorRule> rules = rules("Qwen2ForCausalLM", "qwen2", true);

        assertThat(rule(rules, "model.layers.0.self_attn.v_proj.bias").shape()).isEqualTo(Shape.of(64));
        assertThat(rule(rules, "model.layers.0.self_attn.q_proj.bias").ggufName())
                .isEqualTo("blk.0.attn_q.bias");
        assertThat(rules.values()).allMatch(rule -> rule.permutedHeads() == 0);
    }

    @Test
    void mistralIsPermutedAndCalledLlamaInGguf() throws IOException {
        assertThat(rule(rules("MistralForCausalLM", "mistral", false), "model.layers.0.self_attn.q_proj.weight")
                        .permutedHeads())
                .isEqualTo(4);
        assertThat(ModelConfig.of(TinyModels.config("MistralForCausalLM", "mistral"), "config.json")
                        .architecture()
                        .ggufName())
                .isEqualTo("llama");
    }

    @Test
    void fusedMatricesAreTied() throws IOException {
        ModelConfig config = ModelConfig.of(TinyModels.llama(), "config.json");

        List<List<String>> ties = config.architecture().schemeTies(config);

        assertThat(ties).hasSize(4);
        assertThat(ties.getFirst())
                .containsExactly(
                        "model.layers.0.self_attn.q_proj.weight",
                        "model.layers.0.self_attn.k_proj.weight",
                        "model.layers.0.self_attn.v_proj.weight");
        assertThat(ties.getLast())
                .containsExactly("model.layers.1.mlp.gate_proj.weight", "model.layers.1.mlp.up_proj.weight");
    }

    private static Map<String, TensorRule> rules(String className, String modelType, boolean tied) throws IOException {
        ObjectNode json = TinyModels.config(className, modelType);
        json.put("tie_word_embeddings", tied);
        ModelConfig config = ModelConfig.of(json, "config.json");
        return config.architecture().tensors(config).stream()
                .collect(Collectors.toMap(TensorRule::name, Function.identity()));
    }

    private static TensorRule rule(Map<String, TensorRule> rules, String name) {
        return Objects.requireNonNull(rules.get(name), name);
    }
}
