package io.millrace.tensors.format.onnx;

import io.millrace.tensors.Shape;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.kernel.onnx.NBitsBlocks;

/**
 * What the initializers of a graph are called and shaped. A dense tensor keeps its Hugging Face name; a matrix in blocks
 * is two tensors, the codes and the scales. The embedding of a tied head is looked up and multiplied: its codes have a
 * second name for the second shape, both for the same bytes.
 *
 * <pre>
 * NAME_Q4      UINT8  [out, in / 32, 16]   codes of 4 bits; NAME_Q8 with 32 bytes
 *              UINT8  [rows, in / 2]       likewise, of an embedding that is looked up
 * NAME_scales  FLOAT  [out, in / 32]
 * </pre>
 */
final class WeightNames {
    static final String HEAD = "lm_head.weight";

    private WeightNames() {}

    /** True if a tensor is held in blocks. */
    static boolean inBlocks(TensorRule rule, ModelConfig config) {
        return switch (rule.role()) {
            case TensorRole.Linear _, TensorRole.OutputHead _ -> true;
            case TensorRole.Embedding _ -> config.tiedHead();
            case TensorRole.Bias _, TensorRole.Norm _, TensorRole.Router _ -> false;
        };
    }

    static String codes(String name, int bits) {
        return name + "_Q" + bits;
    }

    static String scales(String name) {
        return name + "_scales";
    }

    static Shape codesShape(TensorRule rule, int bits) {
        long rows = rule.shape().extent(0);
        long rowLength = rule.shape().extent(1);
        return rule.role() instanceof TensorRole.Embedding
                ? Shape.of(rows, rowLength * bits / Byte.SIZE)
                : multiplied(rule.shape(), bits);
    }

    /** The shape of codes that MatMulNBits takes for a matrix [out, in]. */
    static Shape multiplied(Shape matrix, int bits) {
        return Shape.of(matrix.extent(0), matrix.extent(1) / NBitsBlocks.ELEMENTS, NBitsBlocks.codeBytes(bits));
    }

    static Shape scalesShape(Shape matrix) {
        return Shape.of(matrix.extent(0), matrix.extent(1) / NBitsBlocks.ELEMENTS);
    }
}
