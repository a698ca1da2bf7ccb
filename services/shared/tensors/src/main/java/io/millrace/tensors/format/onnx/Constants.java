package io.millrace.tensors.format.onnx;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.MalformedFileException.Kind;
import io.millrace.tensors.Shape;
import io.millrace.tensors.architecture.TensorRule;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The constants of a graph, and which of them nobody has asked for yet. */
final class Constants {
    /** What is wrong with a constant that is there, and yet not read. */
    static final String INSIDE = "lies inside the graph: save the model with all constants in one file beside it"
            + " (onnx.save_model with save_as_external_data=True, size_threshold=0)";

    private final String file;
    private final OnnxGraph graph;
    private final Map<String, ExternalTensor> unread;

    Constants(String file, OnnxGraph graph) {
        this.file = file;
        this.graph = graph;
        this.unread = new TreeMap<>(graph.tensors());
    }

    /** Constants that nobody asked for, in the order of their names. */
    List<ExternalTensor> unread() {
        return List.copyOf(unread.values());
    }

    boolean has(String name) {
        return graph.tensors().containsKey(name);
    }

    Optional<ExternalTensor> find(String name) {
        ExternalTensor tensor = graph.tensors().get(name);
        if (tensor != null) {
            unread.remove(name);
        }
        return Optional.ofNullable(tensor);
    }

    ExternalTensor take(String name, Shape shape, ElementType type) throws MalformedFileException {
        ExternalTensor tensor = take(name, shape);
        if (tensor.type() != type) {
            throw problem("constant '" + name + "' is " + tensor.type() + ", expected " + type);
        }
        return tensor;
    }

    ExternalTensor take(String name, Shape shape) throws MalformedFileException {
        ExternalTensor tensor = find(name).orElseThrow(() -> missing(List.of(name)));
        if (!tensor.shape().equals(shape)) {
            throw problem(
                    "constant '" + name + "' has shape " + tensor.shape() + ", expected " + shape + " by config.json");
        }
        return tensor;
    }

    /** A tensor of numbers with fractions, whatever their type. */
    ExternalTensor takeNumbers(String name, Shape shape) throws MalformedFileException {
        ExternalTensor tensor = take(name, shape);
        requireNumbers(tensor);
        return tensor;
    }

    /** Numbers as they are, under the first of the names that is there. */
    StoredWeight dense(TensorRule rule, List<String> names) throws MalformedFileException {
        for (String name : names) {
            if (has(name)) {
                return new StoredWeight.Dense(
                        takeNumbers(name, rule.shape()), rule.shape().rows());
            }
        }
        throw missing(names);
    }

    void requireNumbers(ExternalTensor tensor) throws MalformedFileException {
        if (!tensor.type().dtype().isWeight()) {
            throw problem("constant '" + tensor.name() + "' is " + tensor.type() + ", expected numbers with fractions");
        }
    }

    /** That none of a tensor's names is found, the last of which is the likeliest. */
    MalformedFileException missing(List<String> names) {
        return names.stream()
                .filter(graph.inside()::contains)
                .findFirst()
                .map(name -> unsupported("constant '" + name + "' " + INSIDE))
                .orElseGet(() -> missing("constant '" + names.getLast() + "'"));
    }

    MalformedFileException missing(String what) {
        return unsupported(
                what + " is missing, expected the names that Millrace or the model builder of onnxruntime-genai gives;"
                        + " build the model again with one of them");
    }

    MalformedFileException unsupported(String what) {
        return new MalformedFileException(Kind.UNSUPPORTED, file, what);
    }

    MalformedFileException problem(String what) {
        return new MalformedFileException(file, -1, what);
    }
}
