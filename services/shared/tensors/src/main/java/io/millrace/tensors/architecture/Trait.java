package io.millrace.tensors.architecture;

/**
 * What a decoder does otherwise than the plainest one: each a small piece of the forward pass, of its config.json or of
 * its GGUF file. What follows from the tensors that an architecture lists (norms of queries and keys, norms behind a
 * block, experts, fused matrices) is no trait.
 */
public enum Trait {
    /** GGUF interleaves the rotary halves of q and k rows. */
    INTERLEAVED_IN_GGUF,
    /** The feed-forward's gate goes through GELU (its tanh form) instead of SiLU. */
    GELU,
    /** A norm's gain is 1 + its weight; GGUF stores the sum. */
    NORM_OFFSET,
    /** Embeddings are multiplied by sqrt(hidden size) before the first layer. */
    SCALED_EMBEDDING,
    /** The head is the embedding unless config.json says otherwise. */
    TIED_BY_DEFAULT,
    /** The head is the embedding: GGUF's readers know no other. */
    ALWAYS_TIED,
    /** Without {@code num_key_value_heads} each head has its own keys and values. */
    KEY_VALUE_HEADS_OPTIONAL,
    /** Scores are divided by sqrt({@code query_pre_attn_scalar}). */
    QUERY_SCALAR,
    /** Scores pass through cap · tanh(score / cap) before the mask. */
    SCORE_CAP,
    /** Logits pass through cap · tanh(logit / cap), where config.json states a cap. */
    LOGIT_CAP,
    /** GGUF states the sliding window; readers of other architectures know none. */
    WINDOW_IN_GGUF,
    /** GGUF's readers take heads to be as wide together as the hidden size, whatever the file states. */
    HEADS_FILL_HIDDEN_IN_GGUF,
    /** Without {@code sliding_window} the window that layers have has transformers' 4096 tokens; null says that there is none. */
    WINDOW_UNLESS_NULL,
    /** Layers with a window turn by a rotary base of their own, unscaled. */
    LOCAL_ROTARY_BASE,
    /** The weights of chosen experts are divided by their sum only if config.json says so, which it must. */
    NORMED_EXPERTS_STATED,
    /** config.json must state the rotary base, since transformers' default for this family is not the usual one. */
    ROTARY_BASE_STATED,
    /** Knows {@link RopeScaling.Llama3}. */
    LLAMA3_SCALING,
    /** GGUF's readers do not open a file of it that holds the divisors of {@link RopeScaling.Llama3}. */
    NO_LLAMA3_SCALING_IN_GGUF,
    /** Knows {@link RopeScaling.Linear}. */
    LINEAR_SCALING,
    /** Knows {@link RopeScaling.LongRope}. */
    LONG_ROPE,
    /** Knows {@link RopeScaling.Yarn}. */
    YARN,
    /** Positions may turn the first part of a head alone. */
    PARTIAL_ROTARY
}
