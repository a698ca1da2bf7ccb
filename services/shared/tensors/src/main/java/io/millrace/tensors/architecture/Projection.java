package io.millrace.tensors.architecture;

import io.millrace.tensors.Shape;

/** The linear maps of a decoder layer: those of attention, and those of the gated feed-forward or of an expert. */
public enum Projection {
    QUERY,
    KEY,
    VALUE,
    /** The rows of query, key and value in one matrix. */
    QUERY_KEY_VALUE,
    ATTENTION_OUTPUT,
    GATE,
    UP,
    /** The rows of gate and up in one matrix. */
    GATE_UP,
    DOWN,
    EXPERT_GATE,
    EXPERT_UP,
    EXPERT_DOWN;

    /** [out, in]. */
    public Shape shape(ModelConfig config) {
        long hidden = config.hiddenSize();
        long feedForward = config.feedForwardSize();
        long expert = config.experts().map(Experts::size).orElse(0);
        long queries = (long) config.headCount() * config.headSize();
        long keys = (long) config.keyValueHeadCount() * config.headSize();
        return switch (this) {
            case QUERY -> Shape.of(queries, hidden);
            case KEY, VALUE -> Shape.of(keys, hidden);
            case QUERY_KEY_VALUE -> Shape.of(queries + 2 * keys, hidden);
            case ATTENTION_OUTPUT -> Shape.of(hidden, queries);
            case GATE, UP -> Shape.of(feedForward, hidden);
            case GATE_UP -> Shape.of(2 * feedForward, hidden);
            case DOWN -> Shape.of(hidden, feedForward);
            case EXPERT_GATE, EXPERT_UP -> Shape.of(expert, hidden);
            case EXPERT_DOWN -> Shape.of(hidden, expert);
        };
    }

    /** True if what it puts out is added to the residual stream. */
    public boolean writesResidual() {
        return this == ATTENTION_OUTPUT || this == DOWN || this == EXPERT_DOWN;
    }
}
