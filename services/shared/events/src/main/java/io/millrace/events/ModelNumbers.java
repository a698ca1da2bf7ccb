package io.millrace.events;

/**
 * The numbers of a checkpoint's architecture, enough to refuse a recipe that can never pass.
 *
 * @param architecture as config.json spells it, such as {@code LlamaForCausalLM}
 * @param parameters weights in all, tied ones once
 * @param dtype of most weights: F32, F16 or BF16
 */
public record ModelNumbers(
        String architecture,
        long parameters,
        int vocabularySize,
        int hiddenSize,
        int feedForwardSize,
        int layerCount,
        int headCount,
        int keyValueHeadCount,
        int maxPositions,
        String dtype) {}
