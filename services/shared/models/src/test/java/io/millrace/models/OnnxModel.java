package io.millrace.models;

import io.millrace.models.ScalarDecoder.Fault;
import io.millrace.tensors.Progress;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.format.onnx.OnnxPlan;
import io.millrace.tensors.format.onnx.OnnxType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A tiny model of each architecture that becomes an ONNX graph, with heads of 16 and rows of whole blocks.
 *
 * @param faults the mistakes that a comparison of its logits must see
 */
public record OnnxModel(String name, ModelConfig config, Set<Fault> faults) {
    private static final long SEED = 22;
    /** The accuracy level at which nothing but the weights is rounded. */
    private static final int EXACT = 1;

    private static final String SIZES = """
            "hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4, "num_key_value_heads": 2,
            "head_dim": 16, "max_position_embeddings": 256, "vocab_size": 260
            """;

    public static Stream<OnnxModel> all() {
        return Stream.of(
                // An epsilon so large that another one would show.
                of(
                        "llama",
                        "LlamaForCausalLM",
                        "llama",
                        "\"tie_word_embeddings\": true, \"rms_norm_eps\": 0.02",
                        Fault.WRONG_ROTARY_BASE),
                of("llama3", "LlamaForCausalLM", "llama", """
                        "tie_word_embeddings": false, "rope_scaling": {"rope_type": "llama3", "factor": 8.0,
                        "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
                        """, Fault.NO_ROTARY_SCALING),
                of(
                        "mistral",
                        "MistralForCausalLM",
                        "mistral",
                        "\"tie_word_embeddings\": false, \"sliding_window\": 5",
                        Fault.NO_WINDOW,
                        Fault.WINDOW_ONE_TOO_WIDE),
                of("qwen2", "Qwen2ForCausalLM", "qwen2", "\"tie_word_embeddings\": true"),
                of(
                        "qwen3",
                        "Qwen3ForCausalLM",
                        "qwen3",
                        "\"tie_word_embeddings\": true, \"head_dim\": 32",
                        Fault.NO_QUERY_NORM),
                of(
                        "gemma2",
                        "Gemma2ForCausalLM",
                        "gemma2",
                        """
                        "num_hidden_layers": 3, "query_pre_attn_scalar": 16, "sliding_window": 12,
                        "hidden_act": "gelu_pytorch_tanh", "hidden_activation": "gelu_pytorch_tanh",
                        "attn_logit_softcapping": 4.0, "final_logit_softcapping": 6.0
                        """,
                        Fault.NO_SCORE_CAP,
                        Fault.NO_LOGIT_CAP,
                        Fault.WINDOW_ONE_TOO_WIDE,
                        Fault.NO_NORM_OFFSET,
                        Fault.NO_POST_NORM,
                        Fault.NO_EMBEDDING_SCALE,
                        Fault.SILU_FOR_GELU),
                of(
                        "gemma3",
                        "Gemma3ForCausalLM",
                        "gemma3_text",
                        """
                        "num_hidden_layers": 7, "query_pre_attn_scalar": 16, "sliding_window": 12,
                        "hidden_activation": "gelu_pytorch_tanh", "rope_theta": 20000.0, "rope_local_base_freq": 100.0,
                        "rope_scaling": {"rope_type": "linear", "factor": 8.0}
                        """,
                        Fault.WINDOW_ONE_TOO_WIDE,
                        Fault.ONE_ROTARY_BASE,
                        Fault.NO_ROTARY_SCALING,
                        Fault.NO_QUERY_NORM),
                of("phi3", "Phi3ForCausalLM", "phi3", """
                        "tie_word_embeddings": false, "sliding_window": null, "rope_scaling": null,
                        "original_max_position_embeddings": 256
                        """, Fault.GATE_AND_UP_SWAPPED),
                of("phi3-partial", "Phi3ForCausalLM", "phi3", """
                        "tie_word_embeddings": false, "sliding_window": null, "rope_scaling": null, "head_dim": 32,
                        "original_max_position_embeddings": 256, "partial_rotary_factor": 0.5
                        """, Fault.WHOLE_HEADS_TURN),
                of("yarn", "Qwen2ForCausalLM", "qwen2", """
                        "tie_word_embeddings": true, "rope_scaling": {"type": "yarn", "factor": 4.0,
                        "original_max_position_embeddings": 64}
                        """, Fault.NO_ROTARY_SCALING, Fault.NO_ATTENTION_FACTOR),
                of(
                        "smollm3",
                        "SmolLM3ForCausalLM",
                        "smollm3",
                        "\"num_hidden_layers\": 4, \"no_rope_layers\": [1, 1, 1, 0]",
                        Fault.ROTARY_IN_EVERY_LAYER));
    }

    private static OnnxModel of(String name, String className, String type, String more, Fault... faults) {
        return new OnnxModel(name, TestModels.config(className, type, SIZES + ", " + more), Set.of(faults));
    }

    public TestModels.Weights weights() {
        return TestModels.weights(config, SEED, 0.25);
    }

    /** Writes checkpoint and graph into folders of their own; the graph's inputs of matrices stay F32 in either type. */
    public Path write(Path parent, OnnxType type) throws IOException, InterruptedException {
        Path folder = parent.resolve(name + "-" + type.code());
        try (Checkpoint source = checkpoint(parent)) {
            OnnxPlan.of(source, type, EXACT).write(folder, 1, Progress.NONE);
        }
        return folder;
    }

    /** The same as it ships: the inputs of 8-bit matrices are rounded. */
    public Path writeShipped(Path parent, OnnxType type) throws IOException, InterruptedException {
        Path folder = parent.resolve(name + "-" + type.code() + "-shipped");
        try (Checkpoint source = checkpoint(parent)) {
            OnnxPlan.of(source, type).write(folder, 1, Progress.NONE);
        }
        return folder;
    }

    private Checkpoint checkpoint(Path parent) throws IOException {
        Path folder = parent.resolve("checkpoint-" + name);
        if (!Files.exists(folder)) {
            TestModels.weightsFolder(folder, weights());
        }
        return Checkpoint.open(folder);
    }

    @Override
    public String toString() {
        return name;
    }
}
