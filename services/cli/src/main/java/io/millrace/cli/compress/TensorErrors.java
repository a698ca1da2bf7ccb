package io.millrace.cli.compress;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * What a quantize stage's {@code tensor-report.json} says.
 *
 * @param note what whoever runs the model has to know of it
 */
public record TensorErrors(List<Entry> tensors, Optional<String> note) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String FILE = "tensor-report.json";

    public TensorErrors {
        tensors = List.copyOf(tensors);
    }

    /** One tensor: ||w − w'|| / ||w|| is its relative error. */
    public record Entry(String name, String type, long elements, long bytes, double relativeError) {}

    /** Reads the report in a stage's output. */
    public static TensorErrors read(Path output) throws IOException {
        List<Entry> tensors = new ArrayList<>();
        JsonNode report = JSON.readTree(output.resolve(FILE).toFile());
        for (JsonNode tensor : report.path("tensors")) {
            long elements = 1;
            for (JsonNode extent : tensor.path("shape")) {
                elements *= extent.asLong();
            }
            tensors.add(new Entry(
                    tensor.path("name").asText(),
                    tensor.path("type").asText(),
                    elements,
                    tensor.path("bytes").asLong(),
                    tensor.path("relative-error").asDouble()));
        }
        return new TensorErrors(tensors, Optional.ofNullable(report.get("note")).map(JsonNode::asText));
    }

    public double bitsPerWeight() {
        return tensors.stream().mapToLong(Entry::bytes).sum() * 8.0 / Math.max(1, elements());
    }

    /** Root of the mean square of the tensors' relative errors, each counted as often as it has weights. */
    public double relativeError() {
        double sum = 0;
        for (Entry tensor : tensors) {
            sum += tensor.elements() * tensor.relativeError() * tensor.relativeError();
        }
        return Math.sqrt(sum / Math.max(1, elements()));
    }

    /** The tensor that lost most. */
    public Optional<Entry> worst() {
        return tensors.stream().max(Comparator.comparingDouble(Entry::relativeError));
    }

    private long elements() {
        return tensors.stream().mapToLong(Entry::elements).sum();
    }
}
