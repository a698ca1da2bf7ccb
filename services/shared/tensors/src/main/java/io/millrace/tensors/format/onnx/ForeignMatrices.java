package io.millrace.tensors.format.onnx;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import io.millrace.tensors.format.onnx.OnnxGraph.Node;
import io.millrace.tensors.kernel.onnx.NBits;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The matrices that a graph of another maker multiplies by, found by the name of the node: exporters name it after the
 * module, {@code /model/layers.0/attn/q_proj/MatMul}, quantizers add a suffix.
 */
final class ForeignMatrices {
    private static final String OPERATION = "/MatMul";
    private static final Set<Long> BITS = Set.of(4L, 8L);
    private static final int LARGEST_BLOCK = 1 << 16;

    private final Constants constants;
    private final OnnxGraph graph;
    private final Map<String, Node> products = new HashMap<>();

    ForeignMatrices(Constants constants, OnnxGraph graph) throws MalformedFileException {
        this.constants = constants;
        this.graph = graph;
        for (Node node : graph.nodes()) {
            int end = node.name().indexOf(OPERATION);
            if (node.operator().equals(OnnxGraph.LOOKS_UP) || end < 0) {
                continue;
            }
            String module =
                    key(node.name().substring(0, end).replaceFirst("^/", "").replace('/', '.'));
            if (products.put(module, node) != null) {
                throw constants.problem("two nodes multiply by the matrix of module '" + module + "', the second is '"
                        + node.name() + "', expected one");
            }
        }
    }

    /** Modules of the same name whichever way an exporter calls attention. */
    private static String key(String module) {
        return module.replace(".self_attn.", ".attn.");
    }

    Optional<Node> product(String module) {
        return Optional.ofNullable(products.get(key(module)));
    }

    /** The matrix [out, in] of a module; empty if no node is named after it. */
    Optional<StoredWeight> find(String module, long out, long in) throws MalformedFileException {
        Optional<Node> product = product(module);
        if (product.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(
                product.get().operator().equals(OnnxGraph.MULTIPLIES)
                        ? blocks(product.get(), out, in)
                        : dense(product.get(), out, in));
    }

    private StoredWeight dense(Node node, long out, long in) throws MalformedFileException {
        String name = node.input(1).orElse("");
        ExternalTensor tensor = constant(node, name);
        if (!tensor.shape().equals(Shape.of(in, out))) {
            throw constants.problem("constant '" + name + "' of node '" + node.name() + "' has shape " + tensor.shape()
                    + ", expected " + Shape.of(in, out) + " by config.json");
        }
        constants.requireNumbers(tensor);
        return new StoredWeight.Transposed(tensor, out);
    }

    private StoredWeight blocks(Node node, long out, long in) throws MalformedFileException {
        expect(node, "N", out);
        expect(node, "K", in);
        expect(node, "weight_prepacked", 0);
        if (node.input(4).isPresent()) {
            throw refused(
                    node, "takes columns in the order of '" + node.input(4).get() + "' (g_idx)");
        }
        boolean rounded = node.attribute("accuracy_level") == OnnxType.INPUTS_ROUNDED;
        return blocks(node, 1, out, in, rounded);
    }

    /**
     * The rows that a node looks up: codes first, then indices, scales and zero points. Other than those of a product, rows
     * of codes end with the last weight and not with its block.
     */
    StoredWeight lookedUp(Node node, long rows, long rowLength) throws MalformedFileException {
        expect(node, "gather_axis", 0);
        if (node.attribute("quantize_axis") != 1) {
            throw refused(node, "has quantize_axis " + node.attribute("quantize_axis") + ", expected 1");
        }
        return blocks(node, 0, rows, rowLength, false);
    }

    private StoredWeight blocks(Node node, int codesAt, long rows, long rowLength, boolean rounded)
            throws MalformedFileException {
        long bits = node.attributes().getOrDefault("bits", 4L);
        long elements = node.attribute("block_size");
        if (!BITS.contains(bits)) {
            throw refused(node, "has codes of " + bits + " bits, expected 4 or 8");
        }
        if (elements < 2 || elements > LARGEST_BLOCK || elements % 2 != 0) {
            throw refused(node, "has blocks of " + elements + ", expected an even number of at most " + LARGEST_BLOCK);
        }
        NBits format = new NBits((int) bits, (int) elements);
        int perRow = format.blocks(rowLength);
        ExternalTensor codes = constant(node, node.input(codesAt).orElse(""));
        boolean halves = codes.type().bits() == 4;
        if (node.operator().equals(OnnxGraph.MULTIPLIES)) {
            requireSize(node, codes, ElementType.UINT8, rows * perRow * format.codeBytes());
        } else if (halves && bits == 4 && rowLength % 2 == 0) {
            requireSize(node, codes, codes.type(), rows * rowLength);
        } else {
            requireSize(node, codes, ElementType.UINT8, rows * Math.ceilDiv(rowLength * bits, Byte.SIZE));
        }
        ExternalTensor scales = constant(node, node.input(2).orElse(""));
        constants.requireNumbers(scales);
        requireSize(node, scales, scales.type(), rows * perRow);
        Optional<ExternalTensor> zeroPoints = Optional.empty();
        if (node.input(3).isPresent()) {
            ExternalTensor found = constant(node, node.input(3).get());
            boolean packed = found.type() == ElementType.UINT8;
            if (!packed && !halves) {
                constants.requireNumbers(found);
            }
            long inRow = packed ? format.zeroPointBytes(perRow) : perRow;
            requireSize(node, found, halves ? codes.type() : found.type(), rows * inRow);
            zeroPoints = Optional.of(found);
        }
        return new StoredWeight.Blocks(format, codes, scales, zeroPoints, rows, rounded);
    }

    /** A constant that a node takes, which must lie in the file beside the graph. */
    ExternalTensor constant(Node node, String name) throws MalformedFileException {
        Optional<ExternalTensor> found = constants.find(name);
        if (found.isPresent()) {
            return found.get();
        }
        throw graph.inside().contains(name)
                ? refused(node, "takes '" + name + "', which " + Constants.INSIDE)
                : refused(
                        node,
                        "takes '" + name + "', which is no constant: build the model with nodes " + OnnxGraph.MULTIPLIES
                                + " or " + OnnxGraph.MULTIPLIES_DENSE);
    }

    private void expect(Node node, String attribute, long expected) throws MalformedFileException {
        if (node.attribute(attribute) != expected) {
            throw refused(node, "has " + attribute + " " + node.attribute(attribute) + ", expected " + expected);
        }
    }

    private void requireSize(Node node, ExternalTensor tensor, ElementType type, long elements)
            throws MalformedFileException {
        if (tensor.type() != type || tensor.shape().elements() != elements) {
            throw constants.problem("constant '" + tensor.name() + "' of node '" + node.name() + "' is " + tensor.type()
                    + " " + tensor.shape() + ", expected " + elements + " elements of " + type);
        }
    }

    private MalformedFileException refused(Node node, String what) {
        return constants.unsupported("node '" + node.name() + "' (" + node.operator() + ") " + what);
    }
}
