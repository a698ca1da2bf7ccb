package io.millrace.tensors.format.gguf;

import io.millrace.tensors.Shape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Outlines of models, a few numbers each, that between them touch every rule of a mixture. */
final class MixtureModels {
    private MixtureModels() {}

    static Map<String, ModelOutline> all() {
        Map<String, ModelOutline> models = new LinkedHashMap<>();
        models.put("llama", new Builder("llama", 32).heads(8, 4).model());
        models.put("llama-shared-by-4", new Builder("llama", 22).heads(8, 2).model());
        models.put("llama-tied", new Builder("llama", 16).heads(4, 4).tied().model());
        models.put(
                "llama-rows-64-172",
                new Builder("llama", 5).heads(8, 4).rows(64, 172).tied().model());
        models.put(
                "llama-rows-320-352",
                new Builder("llama", 10).heads(10, 2).rows(320, 352).model());
        models.put(
                "llama-rows-256-80",
                new Builder("llama", 8).heads(8, 2).rows(256, 80).model());
        models.put("llama-80-layers", new Builder("llama", 80).heads(16, 2).model());
        models.put(
                "llama-80-layers-unshared", new Builder("llama", 80).heads(4, 4).model());
        models.put("qwen2-80-layers", new Builder("qwen2", 80).heads(4, 4).model());
        models.put(
                "llama-8-experts",
                new Builder("llama", 32).heads(8, 2).experts(8).model());
        models.put(
                "llama-4-experts",
                new Builder("llama", 16).heads(8, 4).experts(4).model());
        models.put(
                "qwen3moe-16-experts",
                new Builder("qwen3moe", 24).heads(8, 1).experts(16).model());
        models.put("phi3", new Builder("phi3", 32).heads(4, 4).fused().model());
        models.put("gemma2", new Builder("gemma2", 26).heads(4, 2).tied().model());
        return models;
    }

    private static final class Builder {
        private final String architecture;
        private final int layers;
        private final List<ModelOutline.Tensor> tensors = new ArrayList<>();
        private int heads;
        private int keyValueHeads;
        private int hidden = 256;
        private int feedForward = 512;
        private int experts;
        private boolean tied;
        private boolean fused;

        Builder(String architecture, int layers) {
            this.architecture = architecture;
            this.layers = layers;
        }

        Builder heads(int all, int keyValue) {
            heads = all;
            keyValueHeads = keyValue;
            return this;
        }

        Builder rows(int ofHidden, int ofFeedForward) {
            hidden = ofHidden;
            feedForward = ofFeedForward;
            return this;
        }

        Builder experts(int count) {
            experts = count;
            return this;
        }

        Builder tied() {
            tied = true;
            return this;
        }

        Builder fused() {
            fused = true;
            return this;
        }

        ModelOutline model() {
            add("token_embd.weight", 2, hidden);
            add("output_norm.weight", hidden);
            if (!tied) {
                add("output.weight", 2, hidden);
            }
            for (int layer = 0; layer < layers; layer++) {
                layer("blk." + layer + ".");
            }
            return new ModelOutline(architecture, layers, heads, keyValueHeads, experts, tensors);
        }

        private void layer(String layer) {
            add(layer + "attn_norm.weight", hidden);
            if (fused) {
                add(layer + "attn_qkv.weight", 2, hidden);
            } else {
                add(layer + "attn_q.weight", 2, hidden);
                add(layer + "attn_k.weight", 2, hidden);
                add(layer + "attn_v.weight", 2, hidden);
            }
            if (architecture.equals("qwen2")) {
                add(layer + "attn_q.bias", 2);
            }
            add(layer + "attn_output.weight", 2, hidden);
            add(layer + "ffn_norm.weight", hidden);
            if (experts > 0) {
                add(layer + "ffn_gate_inp.weight", experts, hidden);
                add(layer + "ffn_gate_exps.weight", experts, 2, hidden);
                add(layer + "ffn_up_exps.weight", experts, 2, hidden);
                add(layer + "ffn_down_exps.weight", experts, 2, feedForward);
            } else {
                if (!fused) {
                    add(layer + "ffn_gate.weight", 2, hidden);
                }
                add(layer + "ffn_up.weight", 2, hidden);
                add(layer + "ffn_down.weight", 2, feedForward);
            }
        }

        private void add(String name, long... extents) {
            tensors.add(new ModelOutline.Tensor(name, Shape.of(extents)));
        }
    }
}
