package io.millrace.tensors.architecture;

/** What a tensor does in a decoder. */
public sealed interface TensorRole {
    /** [vocabulary, hidden]. */
    record Embedding() implements TensorRole {}

    /** The matrix [out, in] of a projection. */
    record Linear(Projection projection) implements TensorRole {}

    /** The bias [out] of a projection. */
    record Bias(Projection projection) implements TensorRole {}

    /** An RMS norm's gain [hidden], or [head size] for queries and keys. */
    record Norm(Place place) implements TensorRole {
        /** What is normed. */
        public enum Place {
            ATTENTION_INPUT,
            QUERY,
            KEY,
            /** Before it is added to the residual stream. */
            ATTENTION_OUTPUT,
            FEED_FORWARD_INPUT,
            /** Before it is added to the residual stream. */
            FEED_FORWARD_OUTPUT,
            HEAD_INPUT
        }
    }

    /** The matrix [experts, hidden] that chooses experts; never quantized, since its error changes the choice. */
    record Router() implements TensorRole {}

    /** [vocabulary, hidden]; absent when the embedding serves as head. */
    record OutputHead() implements TensorRole {}
}
