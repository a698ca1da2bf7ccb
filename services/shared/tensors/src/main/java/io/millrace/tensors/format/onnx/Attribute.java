package io.millrace.tensors.format.onnx;

import io.millrace.tensors.format.protobuf.ProtobufWriter;

/** A constant of a node. */
sealed interface Attribute {
    String name();

    record Whole(String name, long value) implements Attribute {}

    record Real(String name, float value) implements Attribute {}

    record Text(String name, String value) implements Attribute {}

    default ProtobufWriter message() {
        ProtobufWriter message = new ProtobufWriter().text(OnnxFields.ATTRIBUTE_NAME, name());
        return switch (this) {
            case Whole(var _, long value) ->
                message.whole(OnnxFields.ATTRIBUTE_WHOLE, value)
                        .whole(OnnxFields.ATTRIBUTE_TYPE, OnnxFields.TYPE_WHOLE);
            case Real(var _, float value) ->
                message.real(OnnxFields.ATTRIBUTE_REAL, value).whole(OnnxFields.ATTRIBUTE_TYPE, OnnxFields.TYPE_REAL);
            case Text(var _, String value) ->
                message.text(OnnxFields.ATTRIBUTE_TEXT, value).whole(OnnxFields.ATTRIBUTE_TYPE, OnnxFields.TYPE_TEXT);
        };
    }
}
