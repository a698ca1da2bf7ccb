package io.millrace.tensors.format.gguf;

import io.millrace.tensors.Shape;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a mixture must know of a model.
 *
 * @param architecture as {@code general.architecture} names it
 * @param expertCount 0 for a model without experts
 * @param tensors every tensor of the file
 */
record ModelOutline(
        String architecture,
        int layerCount,
        int headCount,
        int keyValueHeadCount,
        int expertCount,
        List<Tensor> tensors) {
    private static final Pattern LAYER = Pattern.compile("blk\\.(\\d{1,6})\\..*");

    /** A tensor under its GGUF name, its shape in torch order. */
    record Tensor(String name, Shape shape) {
        /** The decoder layer it belongs to, -1 for none. */
        int layer() {
            return layerOf(name);
        }
    }

    /** llama.cpp visits and writes tensors by layer, those of no layer first, and by name within a layer. */
    static final Comparator<Tensor> ORDER =
            Comparator.comparingInt(Tensor::layer).thenComparing(Tensor::name);

    ModelOutline {
        tensors = tensors.stream().sorted(ORDER).toList();
    }

    static int layerOf(String name) {
        Matcher layer = LAYER.matcher(name);
        return layer.matches() ? Integer.parseInt(layer.group(1)) : -1;
    }

    /** The embedding serves as head. */
    boolean tied() {
        return tensors.stream().noneMatch(tensor -> TensorKind.of(tensor.name()) == TensorKind.OUTPUT);
    }

    /** Query heads per key-value head. */
    int sharing() {
        return headCount / keyValueHeadCount;
    }

    /** llama.cpp's model type 70B: values are shared by 8 heads, so more bits for them cost little. */
    boolean seventyBillion() {
        return layerCount == 80
                && switch (architecture) {
                    case "llama" -> headCount != keyValueHeadCount && expertCount != 8;
                    case "qwen2" -> true;
                    default -> false;
                };
    }
}
