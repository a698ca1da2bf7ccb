package io.millrace.events.wire;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.jspecify.annotations.Nullable;

/** An Avro record that is being filled. A field that the schema lacks, or that is forgotten, is an error at once. */
final class Writing {
    private final Schema schema;
    private final GenericData.Record record;
    private int filled;

    private Writing(Schema schema) {
        this.schema = schema;
        this.record = new GenericData.Record(schema);
    }

    static <T> GenericData.Record write(Schema schema, Form<T> form, T value) {
        Writing writing = new Writing(schema);
        form.writer().accept(value, writing);
        if (writing.filled != schema.getFields().size()) {
            throw new IllegalStateException(schema.getFullName() + " has "
                    + schema.getFields().size() + " fields but " + writing.filled + " were filled");
        }
        return writing.record;
    }

    Writing text(String field, Object value) {
        return put(field, value.toString());
    }

    Writing text(String field, Optional<?> value) {
        return put(field, value.map(Object::toString).orElse(null));
    }

    Writing number(String field, int value) {
        return put(field, value);
    }

    Writing number(String field, long value) {
        return put(field, value);
    }

    Writing number(String field, double value) {
        return put(field, value);
    }

    Writing number(String field, OptionalDouble value) {
        return put(field, value.isPresent() ? value.getAsDouble() : null);
    }

    Writing flag(String field, boolean value) {
        return put(field, value);
    }

    Writing instant(String field, Instant value) {
        return put(field, value.toEpochMilli());
    }

    Writing symbol(String field, Enum<?> value) {
        return put(field, new GenericData.EnumSymbol(schemaOf(field), value.name()));
    }

    /** Sorted, so that equal events have equal bytes. */
    Writing texts(String field, Map<String, String> values) {
        return put(field, new TreeMap<>(values));
    }

    <T> Writing record(String field, Form<T> form, T value) {
        return put(field, write(schemaOf(field), form, value));
    }

    <T> Writing record(String field, Form<T> form, Optional<T> value) {
        return put(
                field,
                value.map(present -> write(schemaOf(field).getTypes().get(1), form, present))
                        .orElse(null));
    }

    <T> Writing list(String field, Form<T> form, List<T> values) {
        Schema element = schemaOf(field).getElementType();
        return put(
                field, values.stream().map(value -> write(element, form, value)).toList());
    }

    <T> Writing map(String field, Form<T> form, Map<String, T> values) {
        Schema element = schemaOf(field).getValueType();
        return put(
                field,
                values.entrySet().stream()
                        .collect(Collectors.toMap(
                                Map.Entry::getKey,
                                entry -> write(element, form, entry.getValue()),
                                (first, second) -> first,
                                TreeMap::new)));
    }

    private Schema schemaOf(String field) {
        Schema.Field found = schema.getField(field);
        if (found == null) {
            throw new IllegalStateException(schema.getFullName() + " has no field '" + field + "'");
        }
        return found.schema();
    }

    private Writing put(String field, @Nullable Object value) {
        record.put(field, value);
        filled++;
        return this;
    }
}
