package io.millrace.models;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import io.millrace.tensors.architecture.ModelConfig;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One block of the decoder: attention and feed-forward network, each behind a norm and beside a residual path. */
record DecoderLayer(
        ModelConfig config,
        int index,
        NDArray attentionNorm, // [hidden]
        LinearMap query, // [heads · headSize, hidden]
        LinearMap key, // [keyValueHeads · headSize, hidden]
        LinearMap value, // [keyValueHeads · headSize, hidden]
        LinearMap output, // [hidden, heads · headSize]
        NDArray feedForwardNorm, // [hidden]
        LinearMap gate, // [inner, hidden]
        LinearMap up, // [inner, hidden]
        LinearMap down) { // [hidden, inner]

    static DecoderLayer of(ModelConfig config, int index, Map<String, NDArray> weights) {
        return new DecoderLayer(
                config,
                index,
                weight(weights, DecoderLayout.layer(index, "input_layernorm.weight")),
                linear(weights, DecoderLayout.layer(index, "self_attn.q_proj")),
                linear(weights, DecoderLayout.layer(index, "self_attn.k_proj")),
                linear(weights, DecoderLayout.layer(index, "self_attn.v_proj")),
                linear(weights, DecoderLayout.layer(index, "self_attn.o_proj")),
                weight(weights, DecoderLayout.layer(index, "post_attention_layernorm.weight")),
                linear(weights, DecoderLayout.layer(index, "mlp.gate_proj")),
                linear(weights, DecoderLayout.layer(index, "mlp.up_proj")),
                linear(weights, DecoderLayout.layer(index, "mlp.down_proj")));
    }

    /** What a layer needs beside x: how positions turn, who may see whom, and what was seen before. */
    record Context(
            RotaryEmbedding.Angles angles,
            @Nullable NDArray mask, // [length, seen] 0 or -inf; null: all are visible
            @Nullable KeyValueCache cache,
            ActivationTap tap) {}

    /** x [batch, length, hidden] → [batch, length, hidden]. */
    NDArray forward(NDArray x, Context context) {
        NDArray attended = x.add(attention(norm(x, attentionNorm, config), context));
        return attended.add(feedForward(norm(attended, feedForwardNorm, config), context.tap()));
    }

    /** x / sqrt(mean(x²) + ε) · gain. */
    static NDArray norm(NDArray x, NDArray gain, ModelConfig config) {
        NDArray meanSquare = x.square().mean(new int[] {-1}, true);
        NDArray epsilon = TensorRuntime.scalar(x.getManager(), config.normEpsilon());
        return x.div(meanSquare.add(epsilon).sqrt()).mul(gain);
    }

    private NDArray attention(NDArray x, Context context) {
        long batch = x.getShape().get(0);
        long length = x.getShape().get(1);
        long size = config.headSize();
        long groups = config.keyValueHeadCount();
        long perGroup = config.headCount() / groups;

        NDArray q = context.angles().rotate(heads(query.apply(x, context.tap()), config.headCount()));
        NDArray k = context.angles().rotate(heads(key.apply(x, context.tap()), groups));
        NDArray v = heads(value.apply(x, context.tap()), groups);
        if (context.cache() != null) {
            k = context.cache().appendKeys(index, k);
            v = context.cache().appendValues(index, v);
        }
        long seen = k.getShape().get(2);

        // The query heads of one key-value head are neighbours, so they are rows of one product and nothing is copied.
        NDArray scores = q.mul(TensorRuntime.scalar(x.getManager(), 1 / Math.sqrt(config.headSize())))
                .reshape(batch, groups, perGroup * length, size)
                .matMul(k.transpose(0, 1, 3, 2))
                .reshape(batch, groups, perGroup, length, seen);
        if (context.mask() != null) {
            scores = scores.add(context.mask());
        }
        NDArray mixed = scores.softmax(-1)
                .reshape(batch, groups, perGroup * length, seen)
                .matMul(v)
                .reshape(batch, config.headCount(), length, size)
                .transpose(0, 2, 1, 3)
                .reshape(batch, length, config.headCount() * size);
        return output.apply(mixed, context.tap());
    }

    /** down(silu(gate(x)) · up(x)). */
    private NDArray feedForward(NDArray x, ActivationTap tap) {
        NDArray gated = gate.apply(x, tap);
        NDArray silu = gated.mul(gated.getNDArrayInternal().sigmoid());
        return down.apply(silu.mul(up.apply(x, tap)), tap);
    }

    /** [batch, length, heads · headSize] → [batch, heads, length, headSize]. */
    private NDArray heads(NDArray x, long heads) {
        Shape shape = x.getShape();
        return x.reshape(shape.get(0), shape.get(1), heads, config.headSize()).transpose(0, 2, 1, 3);
    }

    private static LinearMap linear(Map<String, NDArray> weights, String module) {
        return new LinearMap(module + ".weight", weight(weights, module + ".weight"), weights.get(module + ".bias"));
    }

    static NDArray weight(Map<String, NDArray> weights, String name) {
        NDArray weight = weights.get(name);
        if (weight == null) {
            throw new IllegalStateException("no tensor '" + name + "' among those that were loaded");
        }
        return weight;
    }
}
