package io.millrace.tensors.format.gguf;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Writes a header's bytes, padding up to the data section included. */
final class GgufHeaderEncoder {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    private GgufHeaderEncoder() {}

    static byte[] encode(GgufHeader header) {
        GgufHeaderEncoder encoder = new GgufHeaderEncoder();
        encoder.header(header);
        return encoder.out.toByteArray();
    }

    private void header(GgufHeader header) {
        whole(GgufHeader.MAGIC, 4);
        whole(GgufHeader.VERSION, 4);
        whole(header.tensors().size(), 8);
        whole(header.metadata().size(), 8);
        for (Map.Entry<String, GgufValue> entry : header.metadata().entrySet()) {
            text(entry.getKey());
            whole(entry.getValue().type().id(), 4);
            value(entry.getValue());
        }
        for (GgufTensor tensor : header.tensors()) {
            text(tensor.name());
            whole(tensor.shape().rank(), 4);
            for (int axis = tensor.shape().rank() - 1; axis >= 0; axis--) {
                whole(tensor.shape().extent(axis), 8);
            }
            whole(tensor.type().id(), 4);
            whole(tensor.offset(), 8);
        }
        while (out.size() % header.alignment() != 0) {
            out.write(0);
        }
    }

    private void value(GgufValue value) {
        switch (value) {
            case GgufValue.Whole(GgufValue.Type type, long number) -> whole(number, type.bytes());
            case GgufValue.Real(GgufValue.Type type, double number) -> real(number, type.bytes());
            case GgufValue.Flag(boolean flag) -> out.write(flag ? 1 : 0);
            case GgufValue.Text(String text) -> text(text);
            case GgufValue.Items(GgufValue.Type of, var values) -> {
                whole(of.id(), 4);
                whole(values.size(), 8);
                values.forEach(this::value);
            }
        }
    }

    private void real(double value, int bytes) {
        whole(bytes == 4 ? Float.floatToRawIntBits((float) value) : Double.doubleToRawLongBits(value), bytes);
    }

    private void text(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        whole(utf8.length, 8);
        out.writeBytes(utf8);
    }

    private void whole(long value, int bytes) {
        for (int i = 0; i < bytes; i++) {
            out.write((int) (value >> (8 * i)));
        }
    }
}
