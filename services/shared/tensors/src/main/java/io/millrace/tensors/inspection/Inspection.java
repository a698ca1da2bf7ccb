package io.millrace.tensors.inspection;

import io.millrace.tensors.Shape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a file or folder holds.
 *
 * @param format what the layout is: {@code GGUF v3}, {@code safetensors}, {@code Hugging Face folder},
 *     {@code compressed-tensors folder (pack-quantized)}, {@code ONNX}
 * @param architecture as the file spells it; absent where nothing says it
 * @param parameters weights of the model; absent where codes cannot be told from what belongs to them
 * @param tensorBytes of all tensors, without headers
 * @param notReadable why {@code dequantize} and the benchmarks could not read it as a model; absent if they could, or if
 *     it is a single file that lacks its configuration
 */
public record Inspection(
        String format,
        Optional<String> architecture,
        Optional<Long> parameters,
        long tensorBytes,
        long fileBytes,
        Optional<String> notReadable,
        List<Metadata> metadata,
        List<Tensor> tensors) {
    public Inspection {
        metadata = List.copyOf(metadata);
        tensors = List.copyOf(tensors);
    }

    /**
     * An entry of what a format says beside its tensors.
     *
     * @param type as the format names it
     * @param value a text, number, truth value or list; the head of a long list
     * @param items how many a list has in the file; absent for other values
     */
    public record Metadata(String key, String type, Object value, Optional<Long> items) {}

    /** A tensor under the name that the file gives it. */
    public record Tensor(String name, Shape shape, String type, long bytes) {}

    /** All tensors of one type together. */
    public record TypeTotal(String type, long tensors, long elements, long bytes) {}

    /** Stored bits per weight; absent where the number of weights is. */
    public Optional<Double> bitsPerWeight() {
        return parameters.filter(count -> count > 0).map(count -> tensorBytes * 8.0 / count);
    }

    /** Totals by type, the one with most bytes first. */
    public List<TypeTotal> totals() {
        Map<String, TypeTotal> totals = new LinkedHashMap<>();
        for (Tensor tensor : tensors) {
            totals.merge(
                    tensor.type(),
                    new TypeTotal(tensor.type(), 1, tensor.shape().elements(), tensor.bytes()),
                    (a, b) -> new TypeTotal(
                            a.type(), a.tensors() + b.tensors(), a.elements() + b.elements(), a.bytes() + b.bytes()));
        }
        List<TypeTotal> sorted = new ArrayList<>(totals.values());
        sorted.sort((a, b) -> Long.compare(b.bytes(), a.bytes()));
        return List.copyOf(sorted);
    }
}
