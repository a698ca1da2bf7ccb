package io.millrace.tensors.architecture;

import static io.millrace.tensors.architecture.Template.bias;
import static io.millrace.tensors.architecture.Template.linear;
import static io.millrace.tensors.architecture.Template.norm;
import static io.millrace.tensors.architecture.Template.router;

import io.millrace.tensors.architecture.TensorRole.Norm.Place;
import java.util.ArrayList;
import java.util.List;

/** The decoders that this version knows, as data. */
final class KnownArchitectures {
    private static final List<Template> ATTENTION = List.of(
            linear("self_attn.q_proj", "attn_q", Projection.QUERY),
            linear("self_attn.k_proj", "attn_k", Projection.KEY),
            linear("self_attn.v_proj", "attn_v", Projection.VALUE),
            linear("self_attn.o_proj", "attn_output", Projection.ATTENTION_OUTPUT));

    private static final List<Template> FEED_FORWARD = List.of(
            linear("mlp.gate_proj", "ffn_gate", Projection.GATE),
            linear("mlp.up_proj", "ffn_up", Projection.UP),
            linear("mlp.down_proj", "ffn_down", Projection.DOWN));

    private static final List<Template> QUERY_KEY_NORMS = List.of(
            norm("self_attn.q_norm", "attn_q_norm", Place.QUERY), norm("self_attn.k_norm", "attn_k_norm", Place.KEY));

    private static final List<Template> FUSED_ATTENTION = List.of(
            linear("self_attn.qkv_proj", "attn_qkv", Projection.QUERY_KEY_VALUE),
            linear("self_attn.o_proj", "attn_output", Projection.ATTENTION_OUTPUT));

    private static final List<Template> FUSED_FEED_FORWARD = List.of(
            linear("mlp.gate_up_proj", "ffn_up", Projection.GATE_UP),
            linear("mlp.down_proj", "ffn_down", Projection.DOWN));

    private static final Template NORM_BEFORE_ATTENTION = norm("input_layernorm", "attn_norm", Place.ATTENTION_INPUT);
    private static final Template NORM_BEFORE_FEED_FORWARD =
            norm("post_attention_layernorm", "ffn_norm", Place.FEED_FORWARD_INPUT);

    private static final List<Template> GATED =
            layer(NORM_BEFORE_ATTENTION, ATTENTION, NORM_BEFORE_FEED_FORWARD, FEED_FORWARD);

    /** Gemma norms what a block puts out as well as what it takes in. */
    private static final List<Template> SANDWICHED = layer(
            NORM_BEFORE_ATTENTION,
            ATTENTION,
            norm("post_attention_layernorm", "post_attention_norm", Place.ATTENTION_OUTPUT),
            norm("pre_feedforward_layernorm", "ffn_norm", Place.FEED_FORWARD_INPUT),
            FEED_FORWARD,
            norm("post_feedforward_layernorm", "post_ffw_norm", Place.FEED_FORWARD_OUTPUT));

    static final List<Architecture> ALL = List.of(
            Architecture.of("LlamaForCausalLM", "llama", "llama", GATED)
                    .with(Trait.INTERLEAVED_IN_GGUF, Trait.KEY_VALUE_HEADS_OPTIONAL)
                    .with(Trait.LLAMA3_SCALING, Trait.LINEAR_SCALING, Trait.YARN),
            Architecture.of("MistralForCausalLM", "mistral", "llama", GATED)
                    .pattern(LayerPattern.WINDOWED)
                    .with(Trait.INTERLEAVED_IN_GGUF, Trait.WINDOW_UNLESS_NULL)
                    .with(Trait.LLAMA3_SCALING, Trait.LINEAR_SCALING, Trait.YARN),
            Architecture.of(
                            "Qwen2ForCausalLM",
                            "qwen2",
                            "qwen2",
                            layer(
                                    GATED,
                                    bias("self_attn.q_proj", "attn_q", Projection.QUERY),
                                    bias("self_attn.k_proj", "attn_k", Projection.KEY),
                                    bias("self_attn.v_proj", "attn_v", Projection.VALUE)))
                    .pattern(LayerPattern.WINDOWED_IF_USED)
                    .with(Trait.HEADS_FILL_HIDDEN_IN_GGUF, Trait.NO_LLAMA3_SCALING_IN_GGUF)
                    .with(Trait.WINDOW_UNLESS_NULL, Trait.LLAMA3_SCALING, Trait.LINEAR_SCALING, Trait.YARN),
            Architecture.of("Qwen3ForCausalLM", "qwen3", "qwen3", layer(GATED, QUERY_KEY_NORMS))
                    .pattern(LayerPattern.WINDOWED_IF_USED)
                    .headSize(128)
                    .with(Trait.WINDOW_UNLESS_NULL, Trait.LINEAR_SCALING, Trait.YARN),
            Architecture.of("Gemma2ForCausalLM", "gemma2", "gemma2", SANDWICHED)
                    .pattern(LayerPattern.ALTERNATING)
                    .headSize(256)
                    .hiddenScaledAt(46)
                    .with(Trait.NORM_OFFSET, Trait.SCALED_EMBEDDING, Trait.GELU, Trait.ALWAYS_TIED)
                    .with(Trait.QUERY_SCALAR, Trait.SCORE_CAP, Trait.LOGIT_CAP, Trait.WINDOW_IN_GGUF),
            Architecture.of("Gemma3ForCausalLM", "gemma3_text", "gemma3", layer(SANDWICHED, QUERY_KEY_NORMS))
                    .pattern(LayerPattern.FIVE_OF_SIX)
                    .headSize(256)
                    .hiddenScaledAt(62)
                    .with(Trait.NORM_OFFSET, Trait.SCALED_EMBEDDING, Trait.GELU, Trait.ALWAYS_TIED)
                    .with(Trait.QUERY_SCALAR, Trait.LOGIT_CAP, Trait.WINDOW_IN_GGUF)
                    .with(Trait.LOCAL_ROTARY_BASE, Trait.ROTARY_BASE_STATED, Trait.LINEAR_SCALING),
            Architecture.of(
                            "Phi3ForCausalLM",
                            "phi3",
                            "phi3",
                            layer(NORM_BEFORE_ATTENTION, FUSED_ATTENTION, NORM_BEFORE_FEED_FORWARD, FUSED_FEED_FORWARD))
                    .pattern(LayerPattern.WINDOWED)
                    .with(Trait.KEY_VALUE_HEADS_OPTIONAL, Trait.LONG_ROPE, Trait.WINDOW_IN_GGUF)
                    .with(Trait.PARTIAL_ROTARY, Trait.HEADS_FILL_HIDDEN_IN_GGUF),
            Architecture.of(
                            "MixtralForCausalLM",
                            "mixtral",
                            "llama",
                            layer(
                                    NORM_BEFORE_ATTENTION,
                                    ATTENTION,
                                    NORM_BEFORE_FEED_FORWARD,
                                    experts("block_sparse_moe.gate", "block_sparse_moe.experts.@.", "w1", "w3", "w2")))
                    .pattern(LayerPattern.WINDOWED)
                    .experts("num_local_experts", "intermediate_size")
                    .with(Trait.INTERLEAVED_IN_GGUF, Trait.ROTARY_BASE_STATED),
            Architecture.of(
                            "Qwen3MoeForCausalLM",
                            "qwen3_moe",
                            "qwen3moe",
                            layer(
                                    NORM_BEFORE_ATTENTION,
                                    ATTENTION,
                                    QUERY_KEY_NORMS,
                                    NORM_BEFORE_FEED_FORWARD,
                                    experts("mlp.gate", "mlp.experts.@.", "gate_proj", "up_proj", "down_proj")))
                    .pattern(LayerPattern.ALL_WINDOWED_IF_USED)
                    .experts("num_experts", "moe_intermediate_size")
                    .with(Trait.WINDOW_UNLESS_NULL, Trait.NORMED_EXPERTS_STATED)
                    .with(Trait.LINEAR_SCALING, Trait.YARN),
            Architecture.of("SmolLM3ForCausalLM", "smollm3", "smollm3", GATED)
                    .pattern(LayerPattern.FOURTH_UNROTATED)
                    .with(Trait.INTERLEAVED_IN_GGUF, Trait.TIED_BY_DEFAULT)
                    .with(Trait.ROTARY_BASE_STATED, Trait.LINEAR_SCALING, Trait.YARN));

    private KnownArchitectures() {}

    private static List<Template> experts(String router, String expert, String gate, String up, String down) {
        return List.of(
                router(router),
                linear(expert + gate, "ffn_gate_exps", Projection.EXPERT_GATE),
                linear(expert + up, "ffn_up_exps", Projection.EXPERT_UP),
                linear(expert + down, "ffn_down_exps", Projection.EXPERT_DOWN));
    }

    /** One list of templates and lists of templates, in order. */
    private static List<Template> layer(Object... parts) {
        List<Template> all = new ArrayList<>();
        for (Object part : parts) {
            if (part instanceof Template one) {
                all.add(one);
            } else if (part instanceof List<?> several) {
                several.forEach(each -> all.add((Template) each));
            }
        }
        return List.copyOf(all);
    }
}
