package io.millrace.events;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * JSON in one spelling, fit to be hashed: keys in code-point order, no white space, numbers as Java prints a
 * {@code long} or {@code double}. It holds text, numbers, booleans, lists and maps.
 */
public final class CanonicalJson {
    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
            .build();

    private CanonicalJson() {}

    public static String write(Map<String, ?> values) {
        try {
            return MAPPER.writeValueAsString(values);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("values that JSON cannot hold: " + values.keySet(), e);
        }
    }

    /** The values of a JSON object; {@link IllegalArgumentException} if the text is none. */
    public static SortedMap<String, Object> read(String json) {
        try {
            return new TreeMap<>(MAPPER.readValue(json, new TypeReference<Map<String, Object>>() {}));
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("not a JSON object: " + json, e);
        }
    }
}
