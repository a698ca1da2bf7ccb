package io.millrace.tensors.format.gguf;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Writes a header's bytes, padding up to the data section included. */
final class GgufHeaderEncoder {
    private final OutputStream out;
    private long written;

    private GgufHeaderEncoder(OutputStream out) {
        this.out = out;
    }

    static void write(GgufHeader header, OutputStream out) throws IOException {
        new GgufHeaderEncoder(out).header(header);
    }

    static byte[] encode(GgufHeader header) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        written(header, bytes);
        return bytes.toByteArray();
    }

    /** How many bytes there are. */
    static long size(GgufHeader header) {
        return written(header, OutputStream.nullOutputStream());
    }

    private static long written(GgufHeader header, OutputStream memory) {
        GgufHeaderEncoder encoder = new GgufHeaderEncoder(memory);
        try {
            encoder.header(header);
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return encoder.written;
    }

    private void header(GgufHeader header) throws IOException {
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
            whole(tensor.layout().id(), 4);
            whole(tensor.offset(), 8);
        }
        while (written % header.alignment() != 0) {
            whole(0, 1);
        }
    }

    private void value(GgufValue value) throws IOException {
        switch (value) {
            case GgufValue.Whole(GgufValue.Type type, long number) -> whole(number, type.bytes());
            case GgufValue.Real(GgufValue.Type type, double number) -> real(number, type.bytes());
            case GgufValue.Flag(boolean flag) -> whole(flag ? 1 : 0, 1);
            case GgufValue.Text(String text) -> text(text);
            case GgufValue.Items(GgufValue.Type of, var values) -> {
                whole(of.id(), 4);
                whole(values.size(), 8);
                for (GgufValue item : values) {
                    value(item);
                }
            }
        }
    }

    private void real(double value, int bytes) throws IOException {
        whole(bytes == 4 ? Float.floatToRawIntBits((float) value) : Double.doubleToRawLongBits(value), bytes);
    }

    private void text(String text) throws IOException {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        whole(utf8.length, 8);
        out.write(utf8);
        written += utf8.length;
    }

    private void whole(long value, int bytes) throws IOException {
        for (int i = 0; i < bytes; i++) {
            out.write((int) (value >> (8 * i)));
        }
        written += bytes;
    }
}
