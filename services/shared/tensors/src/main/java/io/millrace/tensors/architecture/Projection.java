package io.millrace.tensors.architecture;

import io.millrace.tensors.Shape;

/** The linear maps of a decoder layer: four of attention, three of the gated feed-forward. */
public enum Projection {
    QUERY,
    KEY,
    VALUE,
    ATTENTION_OUTPUT,
    GATE,
    UP,
    DOWN;

    /** [out, in]. */
    public Shape shape(ModelConfig config) {
        long hidden = config.hiddenSize();
        long feedForward = config.feedForwardSize();
        long queries = (long) config.headCount() * config.headSize();
        long keys = (long) config.keyValueHeadCount() * config.headSize();
        return switch (this) {
            case QUERY -> Shape.of(queries, hidden);
            case KEY, VALUE -> Shape.of(keys, hidden);
            case ATTENTION_OUTPUT -> Shape.of(hidden, queries);
            case GATE, UP -> Shape.of(feedForward, hidden);
            case DOWN -> Shape.of(hidden, feedForward);
        };
    }
}
