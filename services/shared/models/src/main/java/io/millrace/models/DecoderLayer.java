package io.millrace.models;

import ai.djl.ndarray.NDArray;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRole.Norm.Place;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One block of the decoder: attention and feed-forward network, each behind a norm and beside a residual path. */
record DecoderLayer(
        Norm attentionInput,
        Attention attention,
        @Nullable Norm attentionOutput, // before it joins the residual path
        Norm feedForwardInput,
        FeedForward feedForward,
        @Nullable Norm feedForwardOutput) {

    static DecoderLayer of(ModelConfig config, int index, WeightTable weights) {
        return new DecoderLayer(
                Objects.requireNonNull(norm(config, index, Place.ATTENTION_INPUT, weights)),
                Attention.of(config, index, weights),
                norm(config, index, Place.ATTENTION_OUTPUT, weights),
                Objects.requireNonNull(norm(config, index, Place.FEED_FORWARD_INPUT, weights)),
                FeedForward.of(config, index, weights),
                norm(config, index, Place.FEED_FORWARD_OUTPUT, weights));
    }

    /** The same layer, whose feed-forward neurons somebody sees; a mixture has those of many networks. */
    DecoderLayer watched(Consumer<NDArray> neurons) {
        if (!(feedForward instanceof FeedForward.Gated gated)) {
            throw new IllegalArgumentException("only a layer with one feed-forward network can be watched");
        }
        return new DecoderLayer(
                attentionInput,
                attention,
                attentionOutput,
                feedForwardInput,
                new FeedForward.Watched(gated, neurons),
                feedForwardOutput);
    }

    /** x [batch, length, hidden] → [batch, length, hidden]. */
    NDArray forward(NDArray x, AttentionContext context) {
        NDArray attended = x.add(normed(attention.apply(attentionInput.apply(x), context), attentionOutput));
        NDArray fed = feedForward.apply(feedForwardInput.apply(attended));
        return attended.add(normed(fed, feedForwardOutput));
    }

    /** The norm of a layer at a place; null if the architecture has none there. */
    static @Nullable Norm norm(ModelConfig config, int index, Place place, WeightTable weights) {
        return config.architecture()
                .find(index, new TensorRole.Norm(place))
                .map(name -> Norm.of(weights, name, config))
                .orElse(null);
    }

    private static NDArray normed(NDArray x, @Nullable Norm norm) {
        return norm == null ? x : norm.apply(x);
    }
}
