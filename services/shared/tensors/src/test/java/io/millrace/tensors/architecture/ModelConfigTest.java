package io.millrace.tensors.architecture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.architecture.LayerAttention.Rotary;
import io.millrace.tensors.checkpoint.TinyModels;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelConfigTest {
    @Test
    void headSizeFollowsFromHiddenSizeUnlessItIsGiven() throws IOException {
        assertThat(parse(json -> {}).headSize()).isEqualTo(32);

        assertThat(parse(json -> json.put("head_dim", 64)).headSize()).isEqualTo(64);
    }

    @Test
    void missingOptionalKeysTakeTheDefaultsOfTransformers() throws IOException {
        ModelConfig config =
                parse(json -> json.remove(List.of("rope_theta", "num_key_value_heads", "tie_word_embeddings")));

        assertThat(config.ropeTheta()).isEqualTo(10_000);
        assertThat(config.keyValueHeadCount()).isEqualTo(4);
        assertThat(config.tiedHead()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "hidden_size",
                "intermediate_size",
                "num_hidden_layers",
                "num_attention_heads",
                "vocab_size",
                "max_position_embeddings",
                "rms_norm_eps"
            })
    void missingKeyIsNamed(String key) {
        assertThatThrownBy(() -> parse(json -> json.remove(key)))
                .isInstanceOf(MalformedFileException.class)
                .hasMessage("config.json: '" + key + "' is missing");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "hidden_size | \"64\" | 'hidden_size' is \"64\", expected a whole number from 1 to",
                "hidden_size | -64 | 'hidden_size' is -64",
                "vocab_size | 1e9 | 'vocab_size' is 1.0E9",
                "hidden_size | 0 | 'hidden_size' is 0, expected a whole number from 1 to",
                "intermediate_size | 0 | 'intermediate_size' is 0, expected a whole number from 1 to",
                "num_hidden_layers | 0 | 'num_hidden_layers' is 0, expected a whole number from 1 to 4096",
                "num_hidden_layers | 2000000000 | expected a whole number from 1 to 4096",
                "num_hidden_layers | 99999999999999999999 | expected a whole number from 1 to 4096",
                "num_key_value_heads | 3 | expected the first to be a multiple of the second",
                "num_attention_heads | 6 | expected the first to be a multiple of the second",
                "head_dim | 31 | expected an even number",
                "rms_norm_eps | 0 | expected a number above 0",
                "tie_word_embeddings | 1 | expected true or false",
                "torch_dtype | \"float8\" | 'torch_dtype' is 'float8'",
                "dtype | \"float8\" | 'dtype' is 'float8'",
                "hidden_act | \"gelu\" | expected 'silu'",
                "mlp_bias | true | expected false",
                "attention_bias | true | expected false",
                "is_causal | false | 'is_causal' is false, expected true: a decoder sees no later token",
                "quantization_config | {} | already quantized",
                "rope_scaling | {\"type\": \"dynamic\", \"factor\": 2} | rope scaling 'dynamic' is not supported for Llama",
                "rope_scaling | {\"rope_type\": \"yarn\"} | 'factor' is missing",
                "rope_scaling | {\"type\": \"yarn\", \"factor\": 2, \"beta_fast\": 16} | has 'beta_fast' 16, expected 32.0",
                "rope_scaling | {\"type\": \"yarn\", \"factor\": 2, \"truncate\": false} | 'truncate' is false",
                "rope_parameters | {\"rope_type\": \"yarn\", \"factor\": 4, \"attention_factor\": 1} | expected 1.138629",
                "rope_scaling | {\"type\": \"yarn\", \"factor\": 2, \"mscale\": 1, \"mscale_all_dim\": 1} | neither",
                "rope_scaling | {\"rope_type\": \"llama3\", \"factor\": 2} | 'low_freq_factor' is missing",
                "rope_scaling | {\"type\": \"llama3\", \"low_freq_factor\": 4, \"high_freq_factor\": 4} | expected less than",
                "rope_scaling | 7 | expected null or an object",
                "partial_rotary_factor | 0.5 | expected 1 for LlamaForCausalLM",
                "rope_parameters | {\"rope_type\": \"default\", \"partial_rotary_factor\": 0.75} | is 0.75, expected 1 for",
                "architectures | [\"GPT2LMHeadModel\"] | LlamaForCausalLM (llama), MistralForCausalLM (mistral)",
                "architectures | [\"\\u001b[31mLlama\"] | found architecture '\\u001b[31mLlama'",
                "architectures | \"LlamaForCausalLM\" | expected a list of one name",
                "model_type | \"qwen2\" | found architecture 'LlamaForCausalLM' with model_type 'qwen2'",
            })
    void valueThatCannotBeMeantIsRefusedByName(String key, String value, String message) {
        assertThatThrownBy(() -> parse(json -> json.set(key, value(value))))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining(message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "Gemma2ForCausalLM | query_pre_attn_scalar | 224 | expected 32: llama.cpp has no key for another",
                "Gemma2ForCausalLM | query_pre_attn_scalar | null | is missing, which means 256, expected 32: llama.cpp has",
                "Gemma2ForCausalLM | attn_logit_softcapping | null | 'attn_logit_softcapping' is missing",
                "Gemma2ForCausalLM | final_logit_softcapping | null | 'final_logit_softcapping' is missing",
                "Gemma2ForCausalLM | sliding_window | null | 'sliding_window' is missing",
                "Gemma2ForCausalLM | hidden_activation | \"gelu\" | expected 'gelu_pytorch_tanh'",
                "Gemma2ForCausalLM | tie_word_embeddings | false | expected true for Gemma2ForCausalLM",
                "Gemma2ForCausalLM | layer_types | [\"full_attention\", \"full_attention\"] | 'layer_types'[0]",
                "Gemma3ForCausalLM | sliding_window_pattern | 4 | expected 6",
                "Gemma3ForCausalLM | attn_logit_softcapping | 50.0 | expected none for Gemma3ForCausalLM",
                "LlamaForCausalLM | final_logit_softcapping | 30.0 | expected none for LlamaForCausalLM",
                "Qwen3ForCausalLM | rope_scaling | {\"type\": \"longrope\"} | expected 'linear' or 'yarn' or none",
                "Phi3ForCausalLM | rope_scaling | {\"type\": \"longrope\", \"short_factor\": [1]} | has 1 numbers",
                "Phi3ForCausalLM | rope_scaling | {\"type\": \"su\", \"attention_factor\": 1.2} | 'attention_factor' is 1.2",
                "Phi3ForCausalLM | rope_scaling | {\"type\": \"longrope\", \"short_mscale\": 1.2} | 'short_mscale' is 1.2",
                "Phi3ForCausalLM | original_max_position_embeddings | null | 'original_max_position_embeddings' is",
                "Phi3ForCausalLM | partial_rotary_factor | 0.35 | so that 11 of 32 elements of a head turn, expected an even",
                "Phi3ForCausalLM | partial_rotary_factor | 1.5 | expected a number above 0, at most 1",
                "Gemma2ForCausalLM | rope_scaling | {\"type\": \"yarn\", \"factor\": 2} | 'yarn' is not supported",
                "MixtralForCausalLM | num_experts_per_tok | 4 | expected a whole number from 1 to 3",
                "Qwen3MoeForCausalLM | norm_topk_prob | false | 'norm_topk_prob' is false, expected true",
                "Qwen3MoeForCausalLM | norm_topk_prob | null | 'norm_topk_prob' is missing, which means false",
                "Qwen3MoeForCausalLM | mlp_only_layers | [0] | expected []: every layer has experts",
                "Qwen3MoeForCausalLM | decoder_sparse_step | 2 | 'decoder_sparse_step' is 2, expected 1",
                "SmolLM3ForCausalLM | no_rope_layers | [1, 0] | 'no_rope_layers'[1] is 0, expected 1",
                "SmolLM3ForCausalLM | no_rope_layer_interval | 2 | 'no_rope_layer_interval' is 2, expected 4",
                "SmolLM3ForCausalLM | rope_theta | null | 'rope_theta' is missing",
                "Qwen2ForCausalLM | rope_scaling | {\"type\": \"linear\", \"factor\": 2, \"rope_theta\": 5} | in 'rope_scaling'",
                "Phi3ForCausalLM | rope_parameters | {\"partial_rotary_factor\": 0.25} | 'partial_rotary_factor' 0.25",
                "Gemma3ForCausalLM | rope_parameters | {\"sliding_attention\": {\"type\": \"linear\"}} | with a window",
                "Gemma3ForCausalLM | rope_parameters | {\"sliding_attention\": {\"rope_theta\": 5}} | freq' is 20000.0, and 5 in",
                "Gemma3ForCausalLM | rope_scaling | {\"rope_type\": \"linear\", \"factor\": 2, \"rope_theta\": 5} | and 5 in",
                "SmolLM3ForCausalLM | use_sliding_window | true | expected false for SmolLM3ForCausalLM",
            })
    void whatAFamilyTakesForGrantedIsChecked(String className, String key, String value, String message)
            throws IOException {
        ObjectNode json = TinyModels.of(className);
        json.set(key, value(value));

        assertThatThrownBy(() -> ModelConfig.of(json, "config.json"))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining(message);
    }

    @Test
    void anUnknownMultimodalModelIsRefusedWithTheRemedy() {
        assertThatThrownBy(() -> parse(json -> {
                    json.putArray("architectures").add("LlavaForConditionalGeneration");
                    json.put("model_type", "llava").putObject("text_config").put("model_type", "llama");
                }))
                .hasMessageContaining("found the multimodal 'LlavaForConditionalGeneration'")
                .hasMessageContaining("save its text model by itself");
    }

    /** The numbers that are published leave out what equals the defaults of Gemma3TextConfig. */
    private static final String GEMMA_3_4B = """
            {"architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3", "eos_token_id": [1, 106],
             "mm_tokens_per_image": 256, "torch_dtype": "bfloat16",
             "text_config": {"hidden_size": 2560, "intermediate_size": 10240, "model_type": "gemma3_text",
               "num_hidden_layers": 34, "rope_scaling": {"factor": 8.0, "rope_type": "linear"}, "sliding_window": 1024},
             "vision_config": {"hidden_size": 1152, "image_size": 896, "model_type": "siglip_vision_model"}}
            """;

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

    @Test
    void yarnReachesFromTheOriginalPositionsWhereverTheyStand() throws IOException {
        assertThat(parse(json -> json.set("rope_scaling", value("{\"type\": \"yarn\", \"factor\": 4}")))
                        .ropeScaling())
                .contains(new RopeScaling.Yarn(4, 64));
        assertThat(parse(json -> json.set("rope_parameters", value("""
                        {"rope_type": "yarn", "factor": 4, "original_max_position_embeddings": 32, "rope_theta": 1e4,
                         "attention_factor": 1.1386294361, "beta_fast": 32, "beta_slow": 1}
                        """))).ropeScaling())
                .contains(new RopeScaling.Yarn(4, 32));
    }

    @Test
    void gemma3LayersAreLocalButEverySixth() throws IOException {
        ObjectNode json = TinyModels.each().stream()
                .filter(each -> each.path("model_type").asText().equals("gemma3_text"))
                .findFirst()
                .orElseThrow();

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
    void rotarySettingsPerKindOfLayerAreRead() throws IOException {
        ObjectNode json = TinyModels.each().stream()
                .filter(each -> each.path("model_type").asText().equals("gemma3_text"))
                .findFirst()
                .orElseThrow();
        ModelConfig older = ModelConfig.of(json, "config.json");
        ObjectNode newer = json.deepCopy();
        newer.remove(List.of("rope_theta", "rope_local_base_freq", "rope_scaling"));
        newer.set("rope_parameters", value("""
                {"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0},
                 "sliding_attention": {"rope_type": "default", "rope_theta": 20000.0}}
                """));

        assertThat(ModelConfig.of(newer, "config.json").attention()).isEqualTo(older.attention());
    }

    @Test
    void headSizesThatTransformersLeavesOutAreItsDefaults() throws IOException {
        for (String[] each : new String[][] {{"gemma2", "256"}, {"qwen3", "128"}, {"mistral", "32"}}) {
            ObjectNode json = TinyModels.each().stream()
                    .filter(config -> config.path("model_type").asText().equals(each[0]))
                    .findFirst()
                    .orElseThrow();
            json.remove(List.of("head_dim", "query_pre_attn_scalar"));

            assertThat(ModelConfig.of(json, "config.json").headSize()).isEqualTo(Integer.parseInt(each[1]));
        }
    }

    @Test
    void llama3ScalingIsRead() throws IOException {
        ModelConfig config = parse(json -> json.set(
                "rope_scaling",
                value(
                        "{\"rope_type\": \"llama3\", \"factor\": 32.0, \"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0,"
                                + " \"original_max_position_embeddings\": 8192}")));

        assertThat(config.ropeScaling()).contains(new RopeScaling.Llama3(32, 1, 4, 8192));
    }

    @Test
    void ropeParametersOfNewerExportersCount() throws IOException {
        Consumer<ObjectNode> newer =
                json -> json.set("rope_parameters", value("{\"rope_type\": \"default\", \"rope_theta\": 500000.0}"));

        ModelConfig config = parse(newer.andThen(json -> json.remove("rope_theta")));

        assertThat(config.ropeTheta()).isEqualTo(500_000);
        assertThat(config.ropeScaling()).isEmpty();
        // As transformers 4 writes what transformers 5 wrote.
        assertThatThrownBy(() -> parse(newer.andThen(json -> json.put("rope_theta", 10_000.0))))
                .hasMessageContaining("'rope_theta' is 10000.0, and 500000.0 in 'rope_parameters', expected the same");
    }

    /** transformers 5 lets the older object replace the newer, and takes from beside them what the older does not say. */
    @Test
    void ropeScalingBesideRopeParametersCountsIfNothingIsLostByIt() throws IOException {
        Consumer<ObjectNode> scaled =
                json -> json.set("rope_scaling", value("{\"rope_type\": \"yarn\", \"factor\": 4}"));
        Consumer<ObjectNode> both = scaled.andThen(json -> json.set(
                "rope_parameters", value("{\"rope_type\": \"linear\", \"factor\": 2, \"rope_theta\": 500000.0}")));

        assertThatThrownBy(() -> parse(both))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("whose 'rope_theta' 500000.0 it takes out of force in transformers 5")
                .hasMessageContaining("move what 'rope_scaling' says into 'rope_parameters'");
        ModelConfig config = parse(both.andThen(json -> json.put("rope_theta", 500_000)));
        assertThat(config.ropeTheta()).isEqualTo(500_000);
        assertThat(config.ropeScaling()).contains(new RopeScaling.Yarn(4, 64));
        // An empty one is none.
        Consumer<ObjectNode> empty = json -> json.set("rope_scaling", value("{}"));
        assertThat(parse(both.andThen(empty).andThen(json -> json.put("rope_theta", 500_000)))
                        .ropeScaling())
                .contains(new RopeScaling.Linear(2));
    }

    @Test
    void theRotaryBaseMayStandWithinRopeScaling() throws IOException {
        Consumer<ObjectNode> inner = json ->
                json.set("rope_scaling", value("{\"rope_type\": \"yarn\", \"factor\": 4, \"rope_theta\": 500000.0}"));

        assertThat(parse(inner.andThen(json -> json.remove("rope_theta"))).ropeTheta())
                .isEqualTo(500_000);
        assertThatThrownBy(() -> parse(inner.andThen(json -> json.put("rope_theta", 10_000))))
                .hasMessageContaining("'rope_theta' is 10000, and 500000.0 in 'rope_scaling', expected the same");
    }

    @Test
    void originalPositionsStatedTwiceMustAgree() {
        assertThatThrownBy(() -> parse(json -> {
                    json.put("original_max_position_embeddings", 32);
                    json.set("rope_scaling", value("""
                            {"rope_type": "yarn", "factor": 4, "original_max_position_embeddings": 16}"""));
                }))
                .hasMessageContaining("'original_max_position_embeddings' is 32, and 16 beside the rope scaling");
    }

    /** GGUF states them for Phi-3 without a rope scaling, too. */
    @Test
    void originalPositionsBeyondAnyCountAreRefused() throws IOException {
        ObjectNode phi = TinyModels.config("Phi3ForCausalLM", "phi3");
        phi.put("original_max_position_embeddings", (1L << 32) + 1);

        assertThatThrownBy(() -> ModelConfig.of(phi, "config.json"))
                .hasMessageContaining("'original_max_position_embeddings' is 4294967297, expected a whole number");
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

    @Test
    void headsThatTurnInPartTurnByOneFactor() throws IOException {
        ObjectNode phi = TinyModels.config("Phi3ForCausalLM", "phi3");
        phi.put("original_max_position_embeddings", 32).put("partial_rotary_factor", 0.5);
        phi.set("rope_parameters", value("{\"rope_type\": \"default\", \"partial_rotary_factor\": 0.75}"));

        assertThatThrownBy(() -> ModelConfig.of(phi, "config.json"))
                .hasMessageContaining("'partial_rotary_factor' is [0.5, 0.75] in one place and another");
    }

    @Test
    void layersBeyondAnyNumberOfLayersHaveNoWindow() throws IOException {
        ObjectNode qwen = TinyModels.config("Qwen2ForCausalLM", "qwen2");
        qwen.put("sliding_window", 32).put("use_sliding_window", true).put("max_window_layers", 1L << 32);

        assertThat(ModelConfig.of(qwen, "config.json").slidingWindow()).isEmpty();
    }

    @Test
    void theCountOfExpertsIsFoundUnderTheNameThatTransformers5Writes() throws IOException {
        ObjectNode moe = TinyModels.each().stream()
                .filter(config -> config.path("model_type").asText().equals("qwen3_moe"))
                .findFirst()
                .orElseThrow();
        moe.set("num_local_experts", moe.remove("num_experts"));

        assertThat(ModelConfig.of(moe, "config.json").experts().orElseThrow().count())
                .isEqualTo(3);

        moe.remove("num_local_experts");
        assertThatThrownBy(() -> ModelConfig.of(moe, "config.json")).hasMessageContaining("'num_experts' is missing");
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
    void architectureIsFoundByModelTypeAlone() throws IOException {
        ObjectNode qwen = TinyModels.config("Qwen2ForCausalLM", "qwen2");
        qwen.remove("architectures");

        assertThat(ModelConfig.of(qwen, "config.json").architecture().modelType())
                .isEqualTo("qwen2");
    }

    private static ModelConfig parse(Consumer<ObjectNode> edit) throws IOException {
        ObjectNode json = TinyModels.llama();
        edit.accept(json);
        return ModelConfig.of(json, "config.json");
    }

    private static JsonNode value(String json) {
        try {
            return StrictJson.parse(
                            ByteBuffer.wrap(("{\"v\":" + json + "}").getBytes(StandardCharsets.UTF_8)), "value", 0)
                    .get("v");
        } catch (IOException malformed) {
            throw new UncheckedIOException(malformed);
        }
    }
}
