package io.millrace.tensors.format.gguf;

import io.millrace.tensors.Shape;
import java.util.List;

/** What llama.cpp's quantizer takes a tensor for, by its name alone. */
enum TensorKind {
    OUTPUT,
    EMBEDDING,
    FUSED_ATTENTION,
    KEY_VALUE_COMPRESSION,
    VALUE,
    KEY,
    QUERY,
    ATTENTION_OUTPUT,
    UP,
    GATE,
    DOWN,
    OTHER;

    /** Parts of names that are never quantized: norms, routers, small filters and tables. */
    private static final List<String> KEPT = List.of(
            "_norm.weight",
            "ffn_gate_inp.weight",
            "position_embd",
            "token_types",
            "ssm_conv1d",
            "shortconv.conv",
            "time_mix_",
            "attn_rel_b",
            "altup",
            "laurel",
            "per_layer_model_proj",
            "indexer.");

    static TensorKind of(String name) {
        if (name.equals("output.weight")) {
            return OUTPUT;
        }
        if (name.equals("token_embd.weight")) {
            return EMBEDDING;
        }
        if (name.contains("attn_qkv.weight")) {
            return FUSED_ATTENTION;
        }
        if (name.contains("attn_kv_b.weight")) {
            return KEY_VALUE_COMPRESSION;
        }
        if (name.contains("attn_v.weight")) {
            return VALUE;
        }
        if (name.contains("attn_k.weight")) {
            return KEY;
        }
        if (name.contains("attn_q.weight")) {
            return QUERY;
        }
        if (name.contains("attn_output.weight")) {
            return ATTENTION_OUTPUT;
        }
        if (name.contains("ffn_up")) {
            return UP;
        }
        if (name.contains("ffn_gate")) {
            return GATE;
        }
        return name.contains("ffn_down") ? DOWN : OTHER;
    }

    /** True for what a mixture rules over; all else stays as the checkpoint's converter writes it, in F32. */
    static boolean quantized(String name, Shape shape) {
        return matrix(shape) && name.endsWith("weight") && KEPT.stream().noneMatch(name::contains);
    }

    /** At least two extents, not counting leading ones. */
    private static boolean matrix(Shape shape) {
        for (int axis = 0; axis < shape.rank() - 1; axis++) {
            if (shape.extent(axis) > 1) {
                return true;
            }
        }
        return false;
    }

    /** True for what mixtures treat as the values of attention. */
    boolean holdsValues() {
        return this == VALUE || this == FUSED_ATTENTION || this == KEY_VALUE_COMPRESSION;
    }
}
