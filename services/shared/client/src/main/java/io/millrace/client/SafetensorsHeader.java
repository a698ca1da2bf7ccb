package io.millrace.client;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import io.millrace.events.Reason;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The header of a safetensors file: which tensors it has, and nothing of their content.
 *
 * <pre>
 * u64 little-endian   header length n, at most 100 MB and inside the file
 * n bytes             JSON: {"__metadata__": {text: text}, name: {"dtype", "shape", "data_offsets": [from, to]}}
 * the rest            tensor bytes: every byte belongs to exactly one tensor
 * </pre>
 */
record SafetensorsHeader(Map<String, Tensor> tensors, Map<String, String> metadata) {
    private static final int LARGEST_HEADER_BYTES = 100_000_000;
    private static final Map<String, Integer> BYTES_BY_DTYPE = Map.ofEntries(
            Map.entry("F64", 8),
            Map.entry("F32", 4),
            Map.entry("F16", 2),
            Map.entry("BF16", 2),
            Map.entry("F8_E4M3", 1),
            Map.entry("F8_E5M2", 1),
            Map.entry("I64", 8),
            Map.entry("U64", 8),
            Map.entry("I32", 4),
            Map.entry("U32", 4),
            Map.entry("I16", 2),
            Map.entry("U16", 2),
            Map.entry("I8", 1),
            Map.entry("U8", 1),
            Map.entry("BOOL", 1));

    /** A tensor as the header describes it; it lies inside the file. */
    record Tensor(String dtype, long elements, long from, long to) {}

    static SafetensorsHeader read(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            long sizeBytes = channel.size();
            if (sizeBytes < Long.BYTES) {
                throw refused(file, "has " + sizeBytes + " bytes, expected at least the 8 of a header's length");
            }
            long headerBytes = read(channel, 0, Long.BYTES).getLong();
            if (headerBytes < 2 || headerBytes > LARGEST_HEADER_BYTES || headerBytes > sizeBytes - Long.BYTES) {
                throw refused(
                        file,
                        "the header says it has " + Long.toUnsignedString(headerBytes)
                                + " bytes, expected 2 to " + Math.min(LARGEST_HEADER_BYTES, sizeBytes - Long.BYTES)
                                + "; copy the file again");
            }
            byte[] header = read(channel, Long.BYTES, (int) headerBytes).array();
            return parse(file, header, sizeBytes - Long.BYTES - headerBytes);
        } catch (JsonProcessingException e) {
            throw new RefusedCheckpointException(
                    Reason.MALFORMED_CHECKPOINT,
                    file + ": the header is no JSON" + place(e.getLocation()) + " (" + e.getOriginalMessage() + ")",
                    e);
        }
    }

    /** A limit of the parser, such as that of a name's length, is broken at no place. */
    private static String place(@Nullable JsonLocation location) {
        return location == null ? "" : " at byte " + (Long.BYTES + location.getByteOffset());
    }

    private static ByteBuffer read(FileChannel channel, long from, int length) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining()) {
            if (channel.read(bytes, from + bytes.position()) < 0) {
                throw new EOFException("the file became shorter while it was read");
            }
        }
        return bytes.flip();
    }

    private static SafetensorsHeader parse(Path file, byte[] header, long dataBytes) throws IOException {
        Map<String, Tensor> tensors = new HashMap<>();
        Map<String, String> metadata = new HashMap<>();
        JsonFactory json = JsonFactory.builder()
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .build();
        try (JsonParser parser = json.createParser(header)) {
            expect(file, parser, parser.nextToken(), JsonToken.START_OBJECT);
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                String name = parser.currentName();
                expect(file, parser, parser.nextToken(), JsonToken.START_OBJECT);
                if (name.equals("__metadata__")) {
                    while (parser.nextToken() != JsonToken.END_OBJECT) {
                        String key = parser.currentName();
                        expect(file, parser, parser.nextToken(), JsonToken.VALUE_STRING);
                        metadata.put(key, parser.getText());
                    }
                } else {
                    tensors.put(name, tensor(file, name, parser));
                }
            }
            if (parser.nextToken() != null) {
                throw refused(file, "the header goes on after its JSON object");
            }
        }
        checkCover(file, tensors, dataBytes);
        return new SafetensorsHeader(tensors, metadata);
    }

    private static Tensor tensor(Path file, String name, JsonParser parser) throws IOException {
        String dtype = "";
        List<Long> shape = null;
        List<Long> offsets = null;
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String key = parser.currentName();
            JsonToken value = parser.nextToken();
            switch (key) {
                case "dtype" -> {
                    expect(file, parser, value, JsonToken.VALUE_STRING);
                    dtype = parser.getText();
                }
                case "shape" -> shape = longs(file, parser, value);
                case "data_offsets" -> offsets = longs(file, parser, value);
                default -> throw refused(file, "tensor '" + name + "' has the unknown field '" + key + "'");
            }
        }
        return checked(file, name, dtype, shape, offsets);
    }

    private static Tensor checked(
            Path file, String name, String dtype, @Nullable List<Long> shape, @Nullable List<Long> offsets)
            throws IOException {
        Integer elementBytes = BYTES_BY_DTYPE.get(dtype);
        if (elementBytes == null || shape == null || offsets == null || offsets.size() != 2) {
            throw refused(
                    file,
                    "tensor '" + name + "' has dtype '" + dtype + "', shape " + shape + ", data_offsets " + offsets
                            + ", expected a known dtype, a shape and two offsets");
        }
        long from = offsets.getFirst();
        long to = offsets.getLast();
        long elements = 1;
        try {
            for (long extent : shape) {
                elements = Math.multiplyExact(elements, extent);
            }
            if (from > to || to - from != Math.multiplyExact(elements, (long) elementBytes)) {
                throw refused(
                        file,
                        "tensor '" + name + "' lies at bytes " + from + " to " + to + ", expected " + elements
                                + " elements of " + dtype + " by its shape " + shape);
            }
        } catch (ArithmeticException e) {
            throw new RefusedCheckpointException(
                    Reason.MALFORMED_CHECKPOINT, file + ": tensor '" + name + "' has the huge shape " + shape, e);
        }
        return new Tensor(dtype, elements, from, to);
    }

    private static List<Long> longs(Path file, JsonParser parser, JsonToken first) throws IOException {
        expect(file, parser, first, JsonToken.START_ARRAY);
        List<Long> values = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            expect(file, parser, parser.currentToken(), JsonToken.VALUE_NUMBER_INT);
            long value = parser.getLongValue();
            if (value < 0) {
                throw refused(file, "the header holds the negative number " + value);
            }
            values.add(value);
        }
        return values;
    }

    /** The tensors cover the data without holes or overlaps; then none reaches beyond the file. */
    private static void checkCover(Path file, Map<String, Tensor> tensors, long dataBytes) throws IOException {
        List<Map.Entry<String, Tensor>> ordered = new ArrayList<>(tensors.entrySet());
        ordered.sort((a, b) -> a.getValue().from() != b.getValue().from()
                ? Long.compare(a.getValue().from(), b.getValue().from())
                : Long.compare(a.getValue().to(), b.getValue().to()));
        long end = 0;
        for (Map.Entry<String, Tensor> tensor : ordered) {
            if (tensor.getValue().from() != end) {
                throw refused(
                        file,
                        "tensor '" + tensor.getKey() + "' begins at data byte "
                                + tensor.getValue().from() + ", expected " + end + ": tensors lie one after the other");
            }
            end = tensor.getValue().to();
        }
        if (end != dataBytes) {
            throw refused(
                    file,
                    "its tensors end at data byte " + end + " but the file has " + dataBytes + "; copy the file again");
        }
    }

    private static void expect(Path file, JsonParser parser, @Nullable JsonToken found, JsonToken expected)
            throws IOException {
        if (found != expected) {
            throw refused(
                    file,
                    "header byte " + parser.currentTokenLocation().getByteOffset() + " holds " + found + ", expected "
                            + expected);
        }
    }

    private static RefusedCheckpointException refused(Path file, String what) {
        return new RefusedCheckpointException(Reason.MALFORMED_CHECKPOINT, file + ": " + what);
    }
}
