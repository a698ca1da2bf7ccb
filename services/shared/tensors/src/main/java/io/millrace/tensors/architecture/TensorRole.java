package io.millrace.tensors.architecture;

/** What a tensor does in a decoder. */
public sealed interface TensorRole {
    /** [vocabulary, hidden]. */
    record Embedding() implements TensorRole {}

    /** The matrix [out, in] of a projection. */
    record Linear(Projection projection) implements TensorRole {}

    /** The bias [out] of a projection. */
    record Bias(Projection projection) implements TensorRole {}

    /** An RMS norm's gain [hidden]. */
    record Norm() implements TensorRole {}

    /** [vocabulary, hidden]; absent when the embedding serves as head. */
    record OutputHead() implements TensorRole {}
}
