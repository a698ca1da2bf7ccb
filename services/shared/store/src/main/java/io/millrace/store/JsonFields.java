package io.millrace.store;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** One object of a JSON file of the store, read strictly: each field has its type, and there are no others. */
final class JsonFields {
    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final String where;
    private final JsonNode node;
    private final Set<String> asked = new HashSet<>();

    private JsonFields(String where, JsonNode node) throws DamagedFileException {
        this.where = where;
        this.node = node;
        if (!node.isObject()) {
            throw new DamagedFileException(where + ": found " + describe(node) + ", expected a JSON object");
        }
    }

    static JsonFields parse(String where, byte[] json) throws DamagedFileException {
        JsonNode tree;
        try {
            tree = MAPPER.readTree(json);
        } catch (JsonProcessingException e) {
            throw new DamagedFileException(
                    where + ": not JSON" + place(e.getLocation()) + " (" + e.getOriginalMessage() + ")", e);
        } catch (IOException e) {
            throw new DamagedFileException(where + ": not JSON", e);
        }
        return new JsonFields(where, tree);
    }

    /** A limit of the parser, such as that of nested brackets, is broken at no place. */
    private static String place(@Nullable JsonLocation location) {
        return location == null ? "" : " at line " + location.getLineNr() + " column " + location.getColumnNr();
    }

    String text(String name) throws DamagedFileException {
        return field(name, JsonNode::isTextual, "text").textValue();
    }

    Optional<String> optionalText(String name) throws DamagedFileException {
        return absent(name) ? Optional.empty() : Optional.of(text(name));
    }

    long whole(String name) throws DamagedFileException {
        return field(name, n -> n.isIntegralNumber() && n.canConvertToLong(), "a whole number")
                .longValue();
    }

    int wholeInt(String name) throws DamagedFileException {
        return field(name, n -> n.isIntegralNumber() && n.canConvertToInt(), "a whole number of 32 bits")
                .intValue();
    }

    OptionalDouble optionalNumber(String name) throws DamagedFileException {
        return absent(name)
                ? OptionalDouble.empty()
                : OptionalDouble.of(field(name, JsonNode::isNumber, "a number").doubleValue());
    }

    JsonFields object(String name) throws DamagedFileException {
        return new JsonFields(where + ", '" + name + "'", field(name, JsonNode::isObject, "an object"));
    }

    List<JsonFields> objects(String name) throws DamagedFileException {
        List<JsonFields> items = new ArrayList<>();
        for (JsonNode item : field(name, JsonNode::isArray, "a list")) {
            items.add(new JsonFields(where + ", '" + name + "' " + items.size(), item));
        }
        return items;
    }

    /** The names of all fields; for an object that is a map. */
    Set<String> names() {
        Set<String> names = new HashSet<>();
        node.fieldNames().forEachRemaining(names::add);
        return names;
    }

    /** Every field was asked for. */
    void end() throws DamagedFileException {
        for (String name : names()) {
            if (!asked.contains(name)) {
                throw new DamagedFileException(where + ": unknown field '" + name + "', expected " + asked);
            }
        }
    }

    private boolean absent(String name) {
        asked.add(name);
        return !node.has(name);
    }

    private JsonNode field(String name, Predicate<JsonNode> fits, String expected) throws DamagedFileException {
        asked.add(name);
        JsonNode value = node.get(name);
        if (value == null || !fits.test(value)) {
            throw new DamagedFileException(where + ": '" + name + "' is " + describe(value) + ", expected " + expected);
        }
        return value;
    }

    private static String describe(@Nullable JsonNode value) {
        if (value == null || value.isMissingNode()) {
            return "missing";
        }
        return value.isContainerNode() ? "a JSON " + (value.isArray() ? "list" : "object") : "'" + value.asText() + "'";
    }
}
