package io.millrace.tensors.format.onnx;

/** Field numbers of onnx.proto (IR version 10), as far as they are written or read. */
final class OnnxFields {
    static final int IR_VERSION = 10;
    static final int OPSET = 21;
    static final int CONTRIBUTED_OPSET = 1;
    static final String CONTRIBUTED = "com.microsoft";

    static final int MODEL_IR_VERSION = 1;
    static final int MODEL_PRODUCER = 2;
    static final int MODEL_GRAPH = 7;
    static final int MODEL_OPSET = 8;
    static final int MODEL_METADATA = 14;

    static final int OPSET_DOMAIN = 1;
    static final int OPSET_VERSION = 2;

    static final int ENTRY_KEY = 1;
    static final int ENTRY_VALUE = 2;

    static final int GRAPH_NODE = 1;
    static final int GRAPH_NAME = 2;
    static final int GRAPH_INITIALIZER = 5;
    static final int GRAPH_INPUT = 11;
    static final int GRAPH_OUTPUT = 12;

    static final int NODE_INPUT = 1;
    static final int NODE_OUTPUT = 2;
    static final int NODE_NAME = 3;
    static final int NODE_OPERATOR = 4;
    static final int NODE_ATTRIBUTE = 5;
    static final int NODE_DOMAIN = 7;

    static final int ATTRIBUTE_NAME = 1;
    static final int ATTRIBUTE_REAL = 2;
    static final int ATTRIBUTE_WHOLE = 3;
    static final int ATTRIBUTE_TEXT = 4;
    static final int ATTRIBUTE_TYPE = 20;
    static final int TYPE_REAL = 1;
    static final int TYPE_WHOLE = 2;
    static final int TYPE_TEXT = 3;

    static final int TENSOR_DIMENSION = 1;
    static final int TENSOR_TYPE = 2;
    static final int TENSOR_NAME = 8;
    static final int TENSOR_BYTES = 9;
    static final int TENSOR_EXTERNAL = 13;
    static final int TENSOR_LOCATION = 14;
    static final int LOCATION_EXTERNAL = 1;

    static final int VALUE_NAME = 1;
    static final int VALUE_TYPE = 2;
    static final int TYPE_TENSOR = 1;
    static final int TENSOR_TYPE_ELEMENT = 1;
    static final int TENSOR_TYPE_SHAPE = 2;
    static final int SHAPE_DIMENSION = 1;
    static final int DIMENSION_VALUE = 1;
    static final int DIMENSION_NAME = 2;

    private OnnxFields() {}
}
