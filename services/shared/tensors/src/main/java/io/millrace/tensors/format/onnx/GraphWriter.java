package io.millrace.tensors.format.onnx;

import io.millrace.tensors.Shape;
import io.millrace.tensors.format.protobuf.ProtobufWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;

/** An ONNX model in the making: nodes in the order of the computation, each named like its first output. */
final class GraphWriter {
    private final ProtobufWriter graph = new ProtobufWriter();

    GraphWriter(String name) {
        graph.text(OnnxFields.GRAPH_NAME, name);
    }

    /** An input of the graph; an axis that is a text has any length, the same wherever it is named. */
    void input(String name, ElementType type, List<Object> axes) {
        graph.message(OnnxFields.GRAPH_INPUT, value(name, type, axes));
    }

    void output(String name, ElementType type, List<Object> axes) {
        graph.message(OnnxFields.GRAPH_OUTPUT, value(name, type, axes));
    }

    private static ProtobufWriter value(String name, ElementType type, List<Object> axes) {
        ProtobufWriter shape = new ProtobufWriter();
        for (Object axis : axes) {
            ProtobufWriter dimension = new ProtobufWriter();
            if (axis instanceof Number length) {
                dimension.whole(OnnxFields.DIMENSION_VALUE, length.longValue());
            } else {
                dimension.text(OnnxFields.DIMENSION_NAME, axis.toString());
            }
            shape.message(OnnxFields.SHAPE_DIMENSION, dimension);
        }
        ProtobufWriter tensor = new ProtobufWriter()
                .whole(OnnxFields.TENSOR_TYPE_ELEMENT, type.id())
                .message(OnnxFields.TENSOR_TYPE_SHAPE, shape);
        return new ProtobufWriter()
                .text(OnnxFields.VALUE_NAME, name)
                .message(OnnxFields.VALUE_TYPE, new ProtobufWriter().message(OnnxFields.TYPE_TENSOR, tensor));
    }

    /** A node of the standard operators; returns its output, which is called {@code name}. */
    String standard(String operator, String name, List<String> inputs, Attribute... attributes) {
        node("", operator, name, inputs, List.of(name), attributes);
        return name;
    }

    /** A node of ONNX Runtime's own operators; returns its output, which is called {@code name}. */
    String contributed(String operator, String name, List<String> inputs, Attribute... attributes) {
        node(OnnxFields.CONTRIBUTED, operator, name, inputs, List.of(name), attributes);
        return name;
    }

    /** @param inputs an empty text where an optional one is left out; outputs likewise */
    void node(
            String domain,
            String operator,
            String name,
            List<String> inputs,
            List<String> outputs,
            Attribute... attributes) {
        ProtobufWriter node = new ProtobufWriter();
        inputs.forEach(input -> node.text(OnnxFields.NODE_INPUT, input));
        outputs.forEach(output -> node.text(OnnxFields.NODE_OUTPUT, output));
        node.text(OnnxFields.NODE_NAME, name).text(OnnxFields.NODE_OPERATOR, operator);
        for (Attribute attribute : attributes) {
            node.message(OnnxFields.NODE_ATTRIBUTE, attribute.message());
        }
        if (!domain.isEmpty()) {
            node.text(OnnxFields.NODE_DOMAIN, domain);
        }
        graph.message(OnnxFields.GRAPH_NODE, node);
    }

    /** A constant that shapes depend on, inside the graph; returns its name. */
    String wholes(String name, long... values) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (long value : values) {
            bytes.putLong(value);
        }
        return constant(name, ElementType.INT64, Shape.of(values.length), bytes.array());
    }

    /** An index inside the graph; returns its name. */
    String wholeScalar(String name, long value) {
        ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        return constant(
                name, ElementType.INT64, Shape.of(), bytes.putLong(value).array());
    }

    /** A scalar inside the graph; returns its name. */
    String scalar(String name, float value) {
        ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        return constant(
                name, ElementType.FLOAT, Shape.of(), bytes.putFloat(value).array());
    }

    private String constant(String name, ElementType type, Shape shape, byte[] bytes) {
        graph.message(OnnxFields.GRAPH_INITIALIZER, tensor(name, type, shape).bytes(OnnxFields.TENSOR_BYTES, bytes));
        return name;
    }

    /** Constants in the file {@code location} beside the graph. */
    void external(String location, List<ExternalTensor> tensors) {
        for (ExternalTensor tensor : tensors) {
            graph.message(
                    OnnxFields.GRAPH_INITIALIZER,
                    tensor(tensor.name(), tensor.type(), tensor.shape())
                            .message(OnnxFields.TENSOR_EXTERNAL, entry("location", location))
                            .message(OnnxFields.TENSOR_EXTERNAL, entry("offset", Long.toString(tensor.offset())))
                            .message(OnnxFields.TENSOR_EXTERNAL, entry("length", Long.toString(tensor.byteSize())))
                            .whole(OnnxFields.TENSOR_LOCATION, OnnxFields.LOCATION_EXTERNAL));
        }
    }

    private static ProtobufWriter tensor(String name, ElementType type, Shape shape) {
        ProtobufWriter tensor = new ProtobufWriter();
        shape.extents().forEach(extent -> tensor.whole(OnnxFields.TENSOR_DIMENSION, extent));
        return tensor.whole(OnnxFields.TENSOR_TYPE, type.id()).text(OnnxFields.TENSOR_NAME, name);
    }

    private static ProtobufWriter entry(String key, String value) {
        return new ProtobufWriter().text(OnnxFields.ENTRY_KEY, key).text(OnnxFields.ENTRY_VALUE, value);
    }

    /** The whole model file. */
    byte[] model(String producer, Map<String, String> metadata) {
        ProtobufWriter model = new ProtobufWriter()
                .whole(OnnxFields.MODEL_IR_VERSION, OnnxFields.IR_VERSION)
                .text(OnnxFields.MODEL_PRODUCER, producer)
                .message(OnnxFields.MODEL_GRAPH, graph)
                .message(OnnxFields.MODEL_OPSET, opset("", OnnxFields.OPSET))
                .message(OnnxFields.MODEL_OPSET, opset(OnnxFields.CONTRIBUTED, OnnxFields.CONTRIBUTED_OPSET));
        metadata.forEach((key, value) -> model.message(OnnxFields.MODEL_METADATA, entry(key, value)));
        return model.toByteArray();
    }

    private static ProtobufWriter opset(String domain, int version) {
        return new ProtobufWriter().text(OnnxFields.OPSET_DOMAIN, domain).whole(OnnxFields.OPSET_VERSION, version);
    }
}
