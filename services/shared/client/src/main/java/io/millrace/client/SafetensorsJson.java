package io.millrace.client;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import io.millrace.client.SafetensorsHeader.Tensor;
import io.millrace.events.Reason;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Reads the JSON of a safetensors header, each value as it comes. */
final class SafetensorsJson implements AutoCloseable {
    private static final JsonFactory JSON = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();
    /** What the stages read; safetensors knows more. */
    private static final Map<String, Integer> BYTES_BY_DTYPE = new TreeMap<>(Map.ofEntries(
            Map.entry("F32", 4),
            Map.entry("F16", 2),
            Map.entry("BF16", 2),
            Map.entry("F8_E4M3", 1),
            Map.entry("F8_E5M2", 1),
            Map.entry("I64", 8),
            Map.entry("I32", 4),
            Map.entry("I16", 2),
            Map.entry("I8", 1),
            Map.entry("U8", 1),
            Map.entry("BOOL", 1)));

    private final Path file;
    private final JsonParser parser;

    SafetensorsJson(Path file, byte[] header) throws IOException {
        this.file = file;
        this.parser = JSON.createParser(header);
    }

    SafetensorsHeader read() throws IOException {
        Map<String, Tensor> tensors = new HashMap<>();
        Map<String, String> metadata = new HashMap<>();
        expect(parser.nextToken(), JsonToken.START_OBJECT);
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String name = parser.currentName();
            expect(parser.nextToken(), JsonToken.START_OBJECT);
            if (name.equals("__metadata__")) {
                while (parser.nextToken() != JsonToken.END_OBJECT) {
                    String key = parser.currentName();
                    expect(parser.nextToken(), JsonToken.VALUE_STRING);
                    metadata.put(key, parser.getText());
                }
            } else {
                tensors.put(name, tensor(name));
            }
        }
        if (parser.nextToken() != null) {
            throw refused("the header goes on after its JSON object");
        }
        return new SafetensorsHeader(tensors, metadata);
    }

    private Tensor tensor(String name) throws IOException {
        String dtype = "";
        List<Long> shape = null;
        List<Long> offsets = null;
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String key = parser.currentName();
            JsonToken value = parser.nextToken();
            switch (key) {
                case "dtype" -> {
                    expect(value, JsonToken.VALUE_STRING);
                    dtype = parser.getText();
                }
                case "shape" -> shape = longs(value);
                case "data_offsets" -> offsets = longs(value);
                default -> throw refused("tensor '" + name + "' has the unknown field '" + key + "'");
            }
        }
        return checked(name, dtype, shape, offsets);
    }

    private Tensor checked(String name, String dtype, @Nullable List<Long> shape, @Nullable List<Long> offsets)
            throws IOException {
        Integer elementBytes = BYTES_BY_DTYPE.get(dtype);
        if (elementBytes == null) {
            throw new RefusedCheckpointException(
                    Reason.MALFORMED_CHECKPOINT,
                    file + ": tensor '" + name + "' has dtype '" + dtype + "', expected one of "
                            + BYTES_BY_DTYPE.keySet() + "; save the checkpoint again in BF16, F16 or F32");
        }
        if (shape == null || offsets == null || offsets.size() != 2) {
            throw refused("tensor '" + name + "' has shape " + shape + " and data_offsets " + offsets
                    + ", expected a shape and two offsets");
        }
        long from = offsets.getFirst();
        long to = offsets.getLast();
        long elements = 1;
        try {
            for (long extent : shape) {
                elements = Math.multiplyExact(elements, extent);
            }
            if (from > to || to - from != Math.multiplyExact(elements, (long) elementBytes)) {
                throw refused("tensor '" + name + "' lies at bytes " + from + " to " + to + ", expected " + elements
                        + " elements of " + dtype + " by its shape " + shape);
            }
        } catch (ArithmeticException e) {
            throw new RefusedCheckpointException(
                    Reason.MALFORMED_CHECKPOINT,
                    file + ": tensor '" + name + "' has the huge shape " + shape + SafetensorsHeader.REMEDY,
                    e);
        }
        return new Tensor(dtype, elements, from, to);
    }

    private List<Long> longs(JsonToken first) throws IOException {
        expect(first, JsonToken.START_ARRAY);
        List<Long> values = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            expect(parser.currentToken(), JsonToken.VALUE_NUMBER_INT);
            long value = parser.getLongValue();
            if (value < 0) {
                throw refused("the header holds the negative number " + value);
            }
            values.add(value);
        }
        return values;
    }

    private void expect(@Nullable JsonToken found, JsonToken expected) throws IOException {
        if (found != expected) {
            throw refused("header byte " + parser.currentTokenLocation().getByteOffset() + " holds " + found
                    + ", expected " + expected);
        }
    }

    private RefusedCheckpointException refused(String what) {
        return SafetensorsHeader.refused(file, what);
    }

    @Override
    public void close() throws IOException {
        parser.close();
    }
}
