package io.millrace.tensors.architecture;

/**
 * A mixture of feed-forward networks in place of one. The router's softmax runs over all experts; the weights of those
 * chosen are divided by their sum.
 *
 * @param count experts of a layer
 * @param perToken experts that a token passes through
 * @param size rows of an expert's gate and up
 */
public record Experts(int count, int perToken, int size) {
    /** The keys of config.json that state the count and the size; both kinds call the third num_experts_per_tok. */
    public record Keys(String count, String size) {}

    /** What transformers 5 calls the count in every config.json that it saves, that of Qwen3-MoE too. */
    static final String COUNT_OF_ALL = "num_local_experts";
}
