package io.millrace.tensors.architecture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.architecture.LayerAttention.Rotary;
import io.millrace.tensors.checkpoint.TinyModels;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The text model of a multimodal one, and the body of a decoder, as they state themselves. */
class MultimodalConfigTest extends ConfigFixture {
    /** The numbers that are published leave out what equals the defaults of Gemma3TextConfig. */
    private static final String GEMMA_3_4B = """
            {"architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3", "eos_token_id": [1, 106],
             "mm_tokens_per_image": 256, "torch_dtype": "bfloat16",
             "text_config": {"hidden_size": 2560, "intermediate_size": 10240, "model_type": "gemma3_text",
               "num_hidden_layers": 34, "rope_scaling": {"factor": 8.0, "rope_type": "linear"}, "sliding_window": 1024},
             "vision_config": {"hidden_size": 1152, "image_size": 896, "model_type": "siglip_vision_model"}}
            """;

    @Test
    void anUnknownMultimodalModelIsRefusedWithTheRemedy() {
        assertThatThrownBy(() -> parse(json -> {
                    json.putArray("architectures").add("LlavaForConditionalGeneration");
                    json.put("model_type", "llava").putObject("text_config").put("model_type", "llama");
                }))
                .hasMessageContaining("found the multimodal 'LlavaForConditionalGeneration'")
                .hasMessageContaining("save its text model by itself");
    }

    @Test
    void theTextModelOfGemma3With4BillionWeights() throws IOException {
        ModelConfig config = ModelConfig.of((ObjectNode) value(GEMMA_3_4B), "config.json");

        assertThat(config.architecture().className()).isEqualTo("Gemma3ForCausalLM");
        assertThat(config.vocabularySize()).isEqualTo(262_208);
        assertThat(List.of(config.headCount(), config.keyValueHeadCount(), config.headSize()))
                .containsExactly(8, 4, 256);
        assertThat(config.maxPositions()).isEqualTo(131_072);
        assertThat(config.normEpsilon()).isEqualTo(1e-6);
        assertThat(config.attentionScale()).isEqualTo(1.0 / 16);
        assertThat(config.tiedHead()).isTrue();
        assertThat(config.attention().get(5).rotary())
                .contains(new Rotary(1e6, Optional.of(new RopeScaling.Linear(8))));
        assertThat(config.attention().get(4).rotary()).contains(new Rotary(1e4, Optional.empty()));
        assertThat(config.attention().get(4).window()).hasValue(1024);
        assertThat(config.json().path("eos_token_id").toString()).isEqualTo("[1,106]");
        assertThat(config.json().path("bos_token_id").asInt()).isEqualTo(2);
        assertThat(config.multimodal()).isPresent();
        // What stages write as the config.json of the text model means the same by itself.
        ModelConfig alone = ModelConfig.of(config.json(), "config.json");
        assertThat(alone.attention()).isEqualTo(config.attention());
        assertThat(alone.multimodal()).isEmpty();
    }

    @Test
    void theTextModelOfGemma3With27BillionWeights() throws IOException {
        ObjectNode json = (ObjectNode) value(GEMMA_3_4B);
        ((ObjectNode) json.get("text_config"))
                .put("head_dim", 128)
                .put("hidden_size", 5376)
                .put("num_attention_heads", 32)
                .put("num_key_value_heads", 16)
                .put("num_hidden_layers", 62)
                .put("query_pre_attn_scalar", 168);

        assertThat(ModelConfig.of(json, "config.json").attentionScale()).isEqualTo(1 / Math.sqrt(168));
    }

    /** transformers 5 states all numbers, and the bases of both kinds of layers in one place. */
    @Test
    void theTextModelAsTransformers5Writes() throws IOException {
        ObjectNode json = (ObjectNode) value(GEMMA_3_4B);
        ObjectNode text = (ObjectNode) json.get("text_config");
        text.remove("rope_scaling");
        text.put("use_bidirectional_attention", false).put("_sliding_window_pattern", 6);
        text.set("rope_parameters", value("""
                {"full_attention": {"factor": 8.0, "rope_theta": 1000001.0, "rope_type": "linear"},
                 "sliding_attention": {"rope_theta": 10001.0, "rope_type": "default"}}
                """));

        ModelConfig config = ModelConfig.of(json, "config.json");

        assertThat(config.attention().get(5).rotary())
                .contains(new Rotary(1_000_001, Optional.of(new RopeScaling.Linear(8))));
        assertThat(config.attention().get(4).rotary()).contains(new Rotary(10_001, Optional.empty()));
    }

    @Test
    void gemma3AddsRopeScalingToTheParametersOfItsLayersWithoutWindow() throws IOException {
        ObjectNode json = (ObjectNode) value(GEMMA_3_4B);
        ((ObjectNode) json.get("text_config")).set("rope_parameters", value("""
                {"full_attention": {"rope_theta": 1000001.0, "rope_type": "default"}, "sliding_attention": null}
                """));

        assertThat(ModelConfig.of(json, "config.json").attention().get(5).rotary())
                .contains(new Rotary(1_000_001, Optional.of(new RopeScaling.Linear(8))));
        ((ObjectNode) json.get("text_config")).set("rope_scaling", value("{\"type\": \"linear\", \"factor\": 8.0}"));
        assertThatThrownBy(() -> ModelConfig.of(json, "config.json"))
                .hasMessageContaining("'rope_scaling' says 'linear', and 'rope_parameters' beside it 'default'");
    }

    /** As AutoModel saves them. */
    @Test
    void aBodyIsThatOfTheDecoderWithAHead() throws IOException {
        ObjectNode llama = TinyModels.llama();
        llama.putArray("architectures").add("LlamaModel");
        ObjectNode gemma = (ObjectNode) value(GEMMA_3_4B);
        gemma.putArray("architectures").add("Gemma3Model");

        ModelConfig config = ModelConfig.of(llama, "config.json");

        assertThat(config.architecture().className()).isEqualTo("LlamaForCausalLM");
        assertThat(config.json().path("architectures").path(0).asText()).isEqualTo("LlamaModel");
        assertThat(config.headed().path("architectures").path(0).asText()).isEqualTo("LlamaForCausalLM");
        assertThat(ModelConfig.of(gemma, "config.json").multimodal()).isPresent();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "model_type | \"gemma2\" | 'model_type' in 'text_config' is 'gemma2', expected 'gemma3_text'",
                "use_bidirectional_attention | true | expected false: a decoder sees no later token",
                "quantization_config | {} | already quantized",
                "sliding_window | null | 'sliding_window' is missing",
            })
    void aTextModelThatIsNotWhatItSeemsIsRefused(String key, String value, String message) throws IOException {
        ObjectNode json = (ObjectNode) value(GEMMA_3_4B);
        ((ObjectNode) json.get("text_config")).set(key, value(value));

        assertThatThrownBy(() -> ModelConfig.of(json, "config.json")).hasMessageContaining(message);
    }

    @Test
    void aQuantizedMultimodalModelIsRefused() throws IOException {
        ObjectNode json = (ObjectNode) value(GEMMA_3_4B);
        json.putObject("quantization_config");

        assertThatThrownBy(() -> ModelConfig.of(json, "config.json")).hasMessageContaining("already quantized");
    }
}
