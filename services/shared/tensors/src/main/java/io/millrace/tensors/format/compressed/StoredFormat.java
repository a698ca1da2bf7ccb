package io.millrace.tensors.format.compressed;

import io.millrace.tensors.DType;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.kernel.pack.InputRounding;
import java.util.Optional;
import java.util.Set;

/**
 * How a folder stores its quantized modules.
 *
 * @param codeType I32 for words of packed codes; I8 or F8_E4M3 for one element per weight
 * @param bits 4 or 8
 * @param symmetric whether there are no zero points
 * @param groupSize weights of a row that share a scale; 0 for whole rows (the strategy {@code channel})
 * @param inputRounding how consumers round the inputs of quantized modules as they run them
 * @param ignored modules that stay dense
 */
record StoredFormat(
        DType codeType,
        int bits,
        boolean symmetric,
        int groupSize,
        Optional<InputRounding> inputRounding,
        Set<String> ignored) {
    boolean quantizes(TensorRule rule) {
        return switch (rule.role()) {
            // To the library an output head is a linear module like any other.
            case TensorRole.Linear _, TensorRole.OutputHead _ -> !ignored.contains(rule.module());
            case TensorRole.Embedding _, TensorRole.Bias _, TensorRole.Norm _, TensorRole.Router _ -> false;
        };
    }

    boolean packed() {
        return codeType == DType.I32;
    }

    /** Weights that share a scale in rows of {@code rowLength}. */
    long groupLength(long rowLength) {
        return groupSize == 0 ? rowLength : groupSize;
    }
}
