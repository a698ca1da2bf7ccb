package io.millrace.tensors.format.onnx;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * What is read of an ONNX file: its metadata, the constants that lie beside it, and the nodes that multiply by matrices or
 * look up their rows. A graph that exists has tensors whose sizes agree with their shapes; whether the file beside it holds them is
 * the business of whoever opens that.
 *
 * @param location the file beside the graph; empty if every constant lies inside
 * @param tensors by name
 * @param inside names of the constants that lie within the graph itself
 * @param uses nodes {@value #MULTIPLIES} by the name of their codes
 * @param nodes likewise and other products and look-ups, in the order of the graph
 */
record OnnxGraph(
        Map<String, String> metadata,
        Optional<String> location,
        Map<String, ExternalTensor> tensors,
        Set<String> inside,
        Map<String, Node> uses,
        List<Node> nodes) {
    static final String MULTIPLIES = "MatMulNBits";
    static final String MULTIPLIES_DENSE = "MatMul";
    static final String LOOKS_UP = "GatherBlockQuantized";

    private static final Set<String> OPERATORS = Set.of(MULTIPLIES, MULTIPLIES_DENSE, LOOKS_UP);

    /**
     * An operation; an input that is left out has an empty name.
     *
     * @param attributes those that are whole numbers
     */
    record Node(String name, String operator, List<String> inputs, Map<String, Long> attributes) {
        long attribute(String attribute) {
            return attributes.getOrDefault(attribute, 0L);
        }

        /** The name of an input; empty if the node has none there. */
        Optional<String> input(int index) {
            return index < inputs.size() && !inputs.get(index).isEmpty()
                    ? Optional.of(inputs.get(index))
                    : Optional.empty();
        }
    }

    static OnnxGraph parse(String file, byte[] bytes) throws MalformedFileException {
        return new Parser(file).model(new ProtobufReader(file, bytes));
    }

    private static final class Parser {
        private final String file;
        private final Map<String, String> metadata = new TreeMap<>();
        private final Map<String, ExternalTensor> tensors = new LinkedHashMap<>();
        private final Set<String> inside = new HashSet<>();
        private final Map<String, Node> uses = new LinkedHashMap<>();
        private final List<Node> nodes = new ArrayList<>();
        private Optional<String> location = Optional.empty();

        Parser(String file) {
            this.file = file;
        }

        OnnxGraph model(ProtobufReader model) throws MalformedFileException {
            boolean found = false;
            while (model.next()) {
                switch (model.field()) {
                    case OnnxFields.MODEL_GRAPH -> {
                        if (found) {
                            throw problem("holds two graphs, expected one");
                        }
                        found = true;
                        graph(model.message());
                    }
                    case OnnxFields.MODEL_METADATA -> {
                        Entry entry = entry(model.message());
                        metadata.put(entry.key(), entry.value());
                    }
                    default -> {}
                }
            }
            if (!found) {
                throw problem("holds no graph, expected an ONNX model");
            }
            return new OnnxGraph(metadata, location, tensors, inside, uses, nodes);
        }

        private void graph(ProtobufReader graph) throws MalformedFileException {
            while (graph.next()) {
                switch (graph.field()) {
                    case OnnxFields.GRAPH_NODE -> node(graph.message());
                    case OnnxFields.GRAPH_INITIALIZER -> tensor(graph.message());
                    default -> {}
                }
            }
        }

        private void node(ProtobufReader node) throws MalformedFileException {
            List<String> inputs = new ArrayList<>();
            Map<String, Long> attributes = new TreeMap<>();
            String operator = "";
            String name = "";
            while (node.next()) {
                switch (node.field()) {
                    case OnnxFields.NODE_NAME -> name = node.text();
                    case OnnxFields.NODE_INPUT -> inputs.add(node.text());
                    case OnnxFields.NODE_OPERATOR -> operator = node.text();
                    case OnnxFields.NODE_ATTRIBUTE -> attribute(node.message(), attributes);
                    default -> {}
                }
            }
            if (!OPERATORS.contains(operator)) {
                return;
            }
            Node read = new Node(name, operator, List.copyOf(inputs), attributes);
            nodes.add(read);
            if (!operator.equals(MULTIPLIES)) {
                return;
            }
            if (inputs.size() < 3) {
                throw problem("a node " + MULTIPLIES + " has " + inputs.size() + " inputs, expected at least 3");
            }
            if (uses.put(inputs.get(1), read) != null) {
                throw problem("two nodes " + MULTIPLIES + " take '" + inputs.get(1) + "', expected one");
            }
        }

        private static void attribute(ProtobufReader attribute, Map<String, Long> attributes)
                throws MalformedFileException {
            String name = "";
            Optional<Long> value = Optional.empty();
            while (attribute.next()) {
                switch (attribute.field()) {
                    case OnnxFields.ATTRIBUTE_NAME -> name = attribute.text();
                    case OnnxFields.ATTRIBUTE_WHOLE -> value = Optional.of(attribute.whole());
                    default -> {}
                }
            }
            if (value.isPresent()) {
                attributes.put(name, value.get());
            }
        }

        private void tensor(ProtobufReader tensor) throws MalformedFileException {
            List<Long> extents = new ArrayList<>();
            Map<String, String> external = new TreeMap<>();
            long type = 0;
            String name = "";
            boolean outside = false;
            while (tensor.next()) {
                switch (tensor.field()) {
                    case OnnxFields.TENSOR_DIMENSION -> extents.addAll(tensor.wholes());
                    case OnnxFields.TENSOR_TYPE -> type = tensor.whole();
                    case OnnxFields.TENSOR_NAME -> name = tensor.text();
                    case OnnxFields.TENSOR_EXTERNAL -> {
                        Entry entry = entry(tensor.message());
                        external.put(entry.key(), entry.value());
                    }
                    case OnnxFields.TENSOR_LOCATION -> outside = tensor.whole() == OnnxFields.LOCATION_EXTERNAL;
                    default -> {}
                }
            }
            if (outside) {
                add(name, type, extents, external);
            } else {
                inside.add(name);
            }
        }

        private void add(String name, long typeId, List<Long> extents, Map<String, String> external)
                throws MalformedFileException {
            String what = "tensor '" + name + "' ";
            ElementType type = ElementType.of(typeId)
                    .orElseThrow(() -> problem(what + "has element type " + typeId + ", expected one of "
                            + Arrays.toString(ElementType.values())
                            + "; build the model with precision int4, int8, fp16, bf16 or fp32"));
            Shape shape;
            ExternalTensor tensor;
            try {
                shape = new Shape(extents);
                tensor = new ExternalTensor(name, type, shape, number(what, external, "offset", 0));
                Math.addExact(tensor.offset(), tensor.byteSize());
            } catch (IllegalArgumentException | ArithmeticException _) {
                throw problem(what + "has shape " + extents + ", whose size is no number of bytes");
            }
            long length = number(what, external, "length", tensor.byteSize());
            if (length != tensor.byteSize()) {
                throw problem(what + "has " + length + " bytes, expected " + tensor.byteSize() + " for " + type + " "
                        + shape);
            }
            String at = external.getOrDefault("location", "");
            if (location.isPresent() && !location.get().equals(at)) {
                throw problem(what + "lies in '" + at + "' and others in '" + location.get() + "', expected one file");
            }
            location = Optional.of(at);
            if (tensors.put(name, tensor) != null) {
                throw problem(what + "is there twice");
            }
        }

        private long number(String what, Map<String, String> external, String key, long absent)
                throws MalformedFileException {
            String text = external.get(key);
            if (text == null) {
                return absent;
            }
            if (text.isEmpty() || text.length() > 18 || !text.chars().allMatch(c -> c >= '0' && c <= '9')) {
                throw problem(what + "has " + key + " '" + text + "', expected a number of bytes");
            }
            return Long.parseLong(text);
        }

        private record Entry(String key, String value) {}

        private static Entry entry(ProtobufReader entry) throws MalformedFileException {
            String key = "";
            String value = "";
            while (entry.next()) {
                switch (entry.field()) {
                    case OnnxFields.ENTRY_KEY -> key = entry.text();
                    case OnnxFields.ENTRY_VALUE -> value = entry.text();
                    default -> {}
                }
            }
            return new Entry(key, value);
        }

        private MalformedFileException problem(String what) {
            return new MalformedFileException(file, -1, what);
        }
    }
}
