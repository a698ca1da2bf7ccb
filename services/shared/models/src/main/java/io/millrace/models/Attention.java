package io.millrace.models;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import io.millrace.tensors.architecture.Architecture;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.Projection;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRole.Norm.Place;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The attention of one layer: grouped queries, rotary positions, and the few variants that checkpoints have. */
record Attention(
        ModelConfig config,
        int index,
        List<LinearMap> inputs, // query, key, value; or one matrix of all their rows
        LinearMap output, // [hidden, heads · headSize]
        @Nullable Norm queryNorm, // over each head
        @Nullable Norm keyNorm) {

    static Attention of(ModelConfig config, int index, WeightTable weights) {
        Architecture names = config.architecture();
        List<LinearMap> inputs = names.find(index, new TensorRole.Linear(Projection.QUERY_KEY_VALUE))
                .map(fused -> List.of(LinearMap.of(weights, fused)))
                .orElseGet(() -> List.of(
                        LinearMap.of(weights, names.matrix(index, Projection.QUERY)),
                        LinearMap.of(weights, names.matrix(index, Projection.KEY)),
                        LinearMap.of(weights, names.matrix(index, Projection.VALUE))));
        return new Attention(
                config,
                index,
                inputs,
                LinearMap.of(weights, names.matrix(index, Projection.ATTENTION_OUTPUT)),
                DecoderLayer.norm(config, index, Place.QUERY, weights),
                DecoderLayer.norm(config, index, Place.KEY, weights));
    }

    /** x [batch, length, hidden] → [batch, length, hidden]. */
    NDArray apply(NDArray x, AttentionContext context) {
        long batch = x.getShape().get(0);
        long length = x.getShape().get(1);
        long size = config.headSize();
        long groups = config.keyValueHeadCount();
        long perGroup = config.headCount() / groups;
        AttentionContext.Sight sight = context.of(index);

        NDList projected = project(x);
        NDArray q = turned(heads(projected.get(0), config.headCount()), queryNorm, sight);
        NDArray k = turned(heads(projected.get(1), groups), keyNorm, sight);
        NDArray v = heads(projected.get(2), groups);
        if (context.cache() != null) {
            k = context.cache().appendKeys(index, k);
            v = context.cache().appendValues(index, v);
        }
        long seen = k.getShape().get(2);

        // The query heads of one key-value head are neighbours, so they are rows of one product and nothing is copied.
        NDArray scores = q.mul(TensorRuntime.scalar(x.getManager(), config.attentionScale()))
                .reshape(batch, groups, perGroup * length, size)
                .matMul(k.transpose(0, 1, 3, 2))
                .reshape(batch, groups, perGroup, length, seen);
        if (config.scoreCap().isPresent()) {
            scores = capped(scores, config.scoreCap().getAsDouble());
        }
        if (sight.mask() != null) {
            scores = scores.add(sight.mask());
        }
        NDArray mixed = scores.softmax(-1)
                .reshape(batch, groups, perGroup * length, seen)
                .matMul(v)
                .reshape(batch, config.headCount(), length, size)
                .transpose(0, 2, 1, 3)
                .reshape(batch, length, config.headCount() * size);
        return output.apply(mixed);
    }

    /** cap · tanh(x / cap). */
    static NDArray capped(NDArray x, double cap) {
        return x.mul(TensorRuntime.scalar(x.getManager(), 1 / cap))
                .tanh()
                .mul(TensorRuntime.scalar(x.getManager(), cap));
    }

    /** Query, key and value rows, [batch, length, heads · headSize] each. */
    private NDList project(NDArray x) {
        NDList outputs = new NDList();
        inputs.forEach(input -> outputs.add(input.apply(x)));
        if (outputs.size() > 1) {
            return outputs;
        }
        long queries = (long) config.headCount() * config.headSize();
        long keys = (long) config.keyValueHeadCount() * config.headSize();
        return outputs.get(0).split(new long[] {queries, queries + keys}, 2);
    }

    private static NDArray turned(NDArray heads, @Nullable Norm norm, AttentionContext.Sight sight) {
        NDArray normed = norm == null ? heads : norm.apply(heads);
        return sight.angles() == null ? normed : sight.angles().rotate(normed);
    }

    /** [batch, length, heads · headSize] → [batch, heads, length, headSize]. */
    private NDArray heads(NDArray x, long heads) {
        Shape shape = x.getShape();
        return x.reshape(shape.get(0), shape.get(1), heads, config.headSize()).transpose(0, 2, 1, 3);
    }
}
