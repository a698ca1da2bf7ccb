package io.millrace.tensors.format.gguf;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.architecture.Architecture;
import io.millrace.tensors.architecture.LayerPattern;
import io.millrace.tensors.architecture.Trait;

/**
 * What transformers takes for granted where config.json says nothing, and what other readers of such folders will not
 * load without: mistral.rs 0.9.5 wants the activation, the biases and the window's settings, mlx-lm 0.32.2 the settings
 * of Qwen3-MoE's layers. GGUF has no key for any of them, since llama.cpp knows them by the architecture.
 */
final class SpelledDefaults {
    private SpelledDefaults() {}

    static void put(ObjectNode json, Architecture architecture) {
        if (architecture.has(Trait.GELU)) {
            // transformers reads the first; it was called by the second before.
            json.put("hidden_activation", "gelu_pytorch_tanh");
            json.put("hidden_act", "gelu_pytorch_tanh");
        } else {
            json.put("hidden_act", "silu");
        }
        if (!architecture.attentionBias()) {
            json.put("attention_bias", false);
        }
        LayerPattern pattern = architecture.pattern();
        if (pattern == LayerPattern.WINDOWED_IF_USED || pattern == LayerPattern.ALL_WINDOWED_IF_USED) {
            json.put("use_sliding_window", false);
            json.put("max_window_layers", json.path("num_hidden_layers").asLong());
        }
        if (architecture.has(Trait.NORMED_EXPERTS_STATED)) {
            json.put("decoder_sparse_step", 1);
            json.putArray("mlp_only_layers");
        }
    }
}
