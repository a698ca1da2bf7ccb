package io.millrace.tensors.format.safetensors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.json.StrictJson;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What the header of a safetensors file says, checked against the length of the file: the tensors lie one after the
 * other, without hole or overlap, from the end of the header to the end of the file.
 *
 * @param entries in the order of the data
 * @param dataStart the file offset of the first tensor's first byte
 */
record SafetensorsHeader(Map<String, String> metadata, List<Entry> entries, long dataStart) {
    static final String METADATA = "__metadata__";
    static final int LENGTH_BYTES = Long.BYTES;
    private static final String REMEDY = "; copy the file again, or save it again";

    /** The limit of the reference implementation. */
    static final long LIMIT_BYTES = 100_000_000;

    private static final Set<String> FIELDS = Set.of("dtype", "shape", "data_offsets");

    /** A tensor with the bytes [begin, end) that it has, counted from the start of the data. */
    record Entry(TensorSpec spec, long begin, long end) {}

    /** Checks the length that stands in the first eight bytes. */
    static int checkLength(long length, long fileBytes, String file) throws MalformedFileException {
        if (length < 0 || length > LIMIT_BYTES) {
            throw new MalformedFileException(
                    file,
                    0,
                    "the header says it has " + Long.toUnsignedString(length) + " bytes, expected at most "
                            + LIMIT_BYTES + REMEDY);
        }
        if (length > fileBytes - LENGTH_BYTES) {
            throw new MalformedFileException(
                    file,
                    0,
                    "the header ends at byte " + (LENGTH_BYTES + length) + " but the file has " + fileBytes + REMEDY);
        }
        return (int) length;
    }

    static SafetensorsHeader parse(ByteBuffer json, long fileBytes, String file) throws MalformedFileException {
        long dataStart = LENGTH_BYTES + (long) json.remaining();
        ObjectNode header = StrictJson.parse(json, file, LENGTH_BYTES);
        Map<String, String> metadata = new LinkedHashMap<>();
        List<Entry> entries = new ArrayList<>();
        for (Map.Entry<String, JsonNode> field : header.properties()) {
            if (field.getKey().equals(METADATA)) {
                readMetadata(field.getValue(), metadata, file);
            } else {
                entries.add(entry(field.getKey(), field.getValue(), file));
            }
        }
        // Empty tensors share an offset with their neighbour: they come first, so that the run stays without overlap.
        entries.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
        checkRun(entries, fileBytes - dataStart, dataStart, file);
        return new SafetensorsHeader(Map.copyOf(metadata), List.copyOf(entries), dataStart);
    }

    private static void readMetadata(JsonNode node, Map<String, String> metadata, String file)
            throws MalformedFileException {
        if (!node.isObject()) {
            throw problem(file, "'" + METADATA + "' is " + excerpt(node) + ", expected an object of texts");
        }
        for (Map.Entry<String, JsonNode> field : node.properties()) {
            if (!field.getValue().isTextual()) {
                throw problem(
                        file,
                        "'" + METADATA + "' has " + excerpt(field.getValue()) + " for '" + field.getKey()
                                + "', expected a text");
            }
            metadata.put(field.getKey(), field.getValue().asText());
        }
    }

    private static Entry entry(String name, JsonNode node, String file) throws MalformedFileException {
        if (!(node instanceof ObjectNode object)) {
            throw problem(file, tensor(name) + "is " + excerpt(node) + ", expected an object");
        }
        for (Map.Entry<String, JsonNode> field : object.properties()) {
            if (!FIELDS.contains(field.getKey())) {
                throw problem(
                        file,
                        tensor(name) + "has the field '" + field.getKey()
                                + "', expected only dtype, shape and data_offsets");
            }
        }
        String typeName = object.path("dtype").asText("");
        DType type = DType.named(typeName)
                .orElseThrow(() -> problem(
                        file,
                        tensor(name) + "has dtype '" + typeName + "', expected one of " + List.of(DType.values())));
        Shape shape = shape(name, wholes(name, "shape", object, file), file);
        List<Long> offsets = wholes(name, "data_offsets", object, file);
        if (offsets.size() != 2) {
            throw problem(file, tensor(name) + "has " + offsets.size() + " data_offsets, expected 2");
        }
        long begin = offsets.get(0);
        long end = offsets.get(1);
        long expected = bytes(name, type, shape, file);
        if (end < begin || end - begin != expected) {
            throw problem(
                    file,
                    tensor(name) + "has data_offsets " + offsets + ", expected " + expected + " bytes for " + type + " "
                            + shape);
        }
        return new Entry(TensorSpec.plain(name, type, shape), begin, end);
    }

    private static List<Long> wholes(String name, String key, ObjectNode object, String file)
            throws MalformedFileException {
        if (!(object.path(key) instanceof ArrayNode array)) {
            throw problem(file, tensor(name) + "has " + key + " " + excerpt(object.path(key)) + ", expected a list");
        }
        List<Long> wholes = new ArrayList<>(array.size());
        for (JsonNode element : array) {
            if (!element.isIntegralNumber() || !element.canConvertToLong() || element.asLong() < 0) {
                throw problem(
                        file,
                        tensor(name) + "has " + excerpt(element) + " in its " + key
                                + ", expected whole numbers from 0 to 2^63 - 1");
            }
            wholes.add(element.asLong());
        }
        return wholes;
    }

    private static Shape shape(String name, List<Long> extents, String file) throws MalformedFileException {
        try {
            return new Shape(extents);
        } catch (ArithmeticException _) {
            throw problem(file, tensor(name) + "has shape " + extents + ", more than 2^63 - 1 elements");
        }
    }

    private static long bytes(String name, DType type, Shape shape, String file) throws MalformedFileException {
        try {
            return Math.multiplyExact(shape.elements(), (long) type.bytes());
        } catch (ArithmeticException _) {
            throw problem(file, tensor(name) + "has shape " + shape + ", more than 2^63 - 1 bytes");
        }
    }

    private static void checkRun(List<Entry> entries, long dataBytes, long dataStart, String file)
            throws MalformedFileException {
        long reached = 0;
        for (Entry entry : entries) {
            String name = entry.spec().name();
            if (entry.begin() != reached) {
                throw new MalformedFileException(
                        file,
                        dataStart + Math.min(reached, dataBytes),
                        tensor(name) + "begins at data byte " + entry.begin() + ", expected " + reached
                                + (entry.begin() < reached ? ": it overlaps the one before" : ": a hole lies before it")
                                + REMEDY);
            }
            if (entry.end() > dataBytes) {
                throw new MalformedFileException(
                        file,
                        dataStart + dataBytes,
                        tensor(name) + "ends at data byte " + entry.end() + " but the file has " + dataBytes
                                + " bytes of data" + REMEDY);
            }
            reached = entry.end();
        }
        if (reached != dataBytes) {
            throw new MalformedFileException(
                    file,
                    dataStart + reached,
                    "the last tensor ends at byte " + (dataStart + reached) + " but the file has "
                            + (dataStart + dataBytes) + ", expected nothing after it" + REMEDY);
        }
    }

    private static String tensor(String name) {
        return "tensor '" + (name.length() > 200 ? name.substring(0, 200) + "…" : name) + "' ";
    }

    private static String excerpt(JsonNode node) {
        String text = node.isMissingNode() ? "nothing" : node.toString();
        return text.length() > 100 ? text.substring(0, 100) + "…" : text;
    }

    private static MalformedFileException problem(String file, String what) {
        return new MalformedFileException(file, LENGTH_BYTES, what + REMEDY);
    }
}
