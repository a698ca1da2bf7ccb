package io.millrace.tensors.architecture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.checkpoint.TinyModels;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which layers see a window alone, by each family's own keys. */
class WindowConfigTest extends ConfigFixture {
    @Test
    void gemma3LayersAreLocalButEverySixth() throws IOException {
        ObjectNode json = TinyModels.of("Gemma3ForCausalLM");

        ModelConfig config = ModelConfig.of(json.put("num_hidden_layers", 13), "config.json");

        assertThat(config.tiedHead()).isTrue();
        for (int layer = 0; layer < 13; layer++) {
            boolean global = layer == 5 || layer == 11;
            LayerAttention attention = config.attention().get(layer);
            assertThat(attention.window().isEmpty()).isEqualTo(global);
            assertThat(attention.rotary().orElseThrow().base()).isEqualTo(global ? 1e6 : 20_000);
            assertThat(attention.rotary().orElseThrow().scaling().isPresent()).isEqualTo(global);
        }
    }

    @Test
    void slidingWindowCountsForMistralButNotForLlama() throws IOException {
        ObjectNode mistral = TinyModels.config("MistralForCausalLM", "mistral");
        mistral.put("sliding_window", 32);

        assertThat(ModelConfig.of(mistral, "config.json").slidingWindow()).hasValue(32);
        assertThat(parse(json -> json.put("sliding_window", 32)).slidingWindow())
                .isEmpty();
    }

    /** As transformers reads such files; the null of newer Mistrals says that there is none. */
    @ParameterizedTest
    @CsvSource({"MistralForCausalLM, mistral", "Qwen2ForCausalLM, qwen2", "Qwen3ForCausalLM, qwen3"})
    void aWindowThatIsNotMentionedHasTheFamilysOwnSize(String className, String modelType) throws IOException {
        ObjectNode json = TinyModels.config(className, modelType);
        json.put("use_sliding_window", true).put("max_window_layers", 0);

        assertThat(ModelConfig.of(json, "config.json").slidingWindow()).hasValue(4096);
        assertThat(ModelConfig.of(json.putNull("sliding_window"), "config.json").slidingWindow())
                .isEmpty();
    }

    @Test
    void qwen2WindowCountsOnlyWhenItIsUsedInAllLayers() throws IOException {
        ObjectNode qwen = TinyModels.config("Qwen2ForCausalLM", "qwen2");
        qwen.put("sliding_window", 32).put("use_sliding_window", false).put("max_window_layers", 1);
        assertThat(ModelConfig.of(qwen, "config.json").slidingWindow()).isEmpty();

        qwen.put("use_sliding_window", true);

        assertThatThrownBy(() -> ModelConfig.of(qwen, "config.json")).hasMessageContaining("'max_window_layers' is 1");
        assertThat(ModelConfig.of(qwen.put("max_window_layers", 0), "config.json")
                        .slidingWindow())
                .hasValue(32);
        assertThat(ModelConfig.of(qwen.put("max_window_layers", 2), "config.json")
                        .slidingWindow())
                .isEmpty();
    }

    /** transformers looks at no layer's number there. */
    @Test
    void qwen3MoeWindowCountsInEveryLayerWhenItIsUsed() throws IOException {
        ObjectNode qwen = TinyModels.config("Qwen3MoeForCausalLM", "qwen3_moe");
        qwen.put("num_experts", 4)
                .put("num_experts_per_tok", 2)
                .put("moe_intermediate_size", 64)
                .put("norm_topk_prob", true);
        qwen.put("sliding_window", 32).put("use_sliding_window", true).put("max_window_layers", 28);

        ModelConfig windowed = ModelConfig.of(qwen, "config.json");
        assertThat(windowed.slidingWindow()).hasValue(32);
        assertThat(windowed.attention()).allMatch(layer -> layer.window().isPresent());
        qwen.remove("sliding_window");
        assertThat(ModelConfig.of(qwen, "config.json").slidingWindow()).hasValue(4096);
        assertThat(ModelConfig.of(qwen.put("use_sliding_window", false), "config.json")
                        .slidingWindow())
                .isEmpty();
    }

    @Test
    void layersBeyondAnyNumberOfLayersHaveNoWindow() throws IOException {
        ObjectNode qwen = TinyModels.config("Qwen2ForCausalLM", "qwen2");
        qwen.put("sliding_window", 32).put("use_sliding_window", true).put("max_window_layers", 1L << 32);

        assertThat(ModelConfig.of(qwen, "config.json").slidingWindow()).isEmpty();
    }
}
