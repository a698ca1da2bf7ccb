package io.millrace.tensors.architecture;

import io.millrace.tensors.Shape;
import java.util.OptionalInt;

/**
 * One tensor that a model has.
 *
 * @param name as Hugging Face names it
 * @param layer the decoder layer it belongs to; empty for embedding, final norm and head
 * @param expert which expert of the layer it belongs to, if any; GGUF stacks those of a layer in one tensor
 * @param ggufName as GGUF names it
 * @param permutedHeads heads whose rows GGUF stores with their rotary halves interleaved ([heads, 2, size/2] to
 *     [heads, size/2, 2]); 0 where GGUF keeps the order of the rows
 * @param ggufOffset what GGUF adds to every number
 */
public record TensorRule(
        String name,
        Shape shape,
        TensorRole role,
        OptionalInt layer,
        OptionalInt expert,
        String ggufName,
        int permutedHeads,
        float ggufOffset) {
    /** The module that holds the tensor: its name without {@code .weight} or {@code .bias}. */
    public String module() {
        return name.substring(0, name.lastIndexOf('.'));
    }

    /** The same tensor under the name that a file has for it. */
    public TensorRule named(String stored) {
        return new TensorRule(stored, shape, role, layer, expert, ggufName, permutedHeads, ggufOffset);
    }
}
