package io.millrace.tensors.architecture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.checkpoint.TinyModels;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The numbers of a config.json: what is taken for those that are left out, and those that are refused. */
class ModelConfigTest extends ConfigFixture {
    @Test
    void headSizeFollowsFromHiddenSizeUnlessItIsGiven() throws IOException {
        assertThat(parse(json -> {}).headSize()).isEqualTo(32);

        assertThat(parse(json -> json.put("head_dim", 64)).headSize()).isEqualTo(64);
    }

    @Test
    void headSizesThatTransformersLeavesOutAreItsDefaults() throws IOException {
        for (String[] each :
                new String[][] {{"Gemma2ForCausalLM", "256"}, {"Qwen3ForCausalLM", "128"}, {"MistralForCausalLM", "32"}
                }) {
            ObjectNode json = TinyModels.of(each[0]);
            json.remove(List.of("head_dim", "query_pre_attn_scalar"));

            assertThat(ModelConfig.of(json, "config.json").headSize()).isEqualTo(Integer.parseInt(each[1]));
        }
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
                .hasMessage("config.json: '" + key
                        + "' is missing; take the config.json that was saved with these weights");
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
                "attention_bias | true | : choose a checkpoint that has what is expected",
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

    @Test
    void configThatNamesNoArchitectureIsRefused() {
        assertThatThrownBy(() -> parse(json -> json.remove(List.of("architectures", "model_type"))))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("neither 'architectures' nor 'model_type' is there, expected one of Llama");
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
    void architectureIsFoundByModelTypeAlone() throws IOException {
        ObjectNode qwen = TinyModels.config("Qwen2ForCausalLM", "qwen2");
        qwen.remove("architectures");

        assertThat(ModelConfig.of(qwen, "config.json").architecture().modelType())
                .isEqualTo("qwen2");
    }

    @Test
    void theCountOfExpertsIsFoundUnderTheNameThatTransformers5Writes() throws IOException {
        ObjectNode moe = TinyModels.of("Qwen3MoeForCausalLM");
        moe.set("num_local_experts", moe.remove("num_experts"));

        assertThat(ModelConfig.of(moe, "config.json").experts().orElseThrow().count())
                .isEqualTo(3);

        moe.remove("num_local_experts");
        assertThatThrownBy(() -> ModelConfig.of(moe, "config.json")).hasMessageContaining("'num_experts' is missing");
    }
}
