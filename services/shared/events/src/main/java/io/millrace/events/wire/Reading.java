package io.millrace.events.wire;

import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import io.millrace.events.ModelName;
import io.millrace.events.RunId;
import io.millrace.events.StageName;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;
import org.apache.avro.generic.GenericRecord;

/** An Avro record that was read by the current schema, so each field has the type that the schema says. */
record Reading(GenericRecord fields) {
    String text(String field) {
        return fields.get(field).toString();
    }

    <T> Optional<T> text(String field, Function<String, T> parse) {
        return Optional.ofNullable(fields.get(field)).map(Object::toString).map(parse);
    }

    Digest digest(String field) {
        return new Digest(text(field));
    }

    ModelName model(String field) {
        return new ModelName(text(field));
    }

    RunId run(String field) {
        return RunId.parse(text(field));
    }

    JobKey job(String field) {
        return JobKey.parse(text(field));
    }

    Device device(String field) {
        return new Device(text(field));
    }

    StageName stage(String field) {
        return stageNamed(text(field));
    }

    static StageName stageNamed(String name) {
        return StageName.named(name).orElseThrow(() -> new UnknownKindException("stage '" + name + "'"));
    }

    int integer(String field) {
        return (int) fields.get(field);
    }

    long number(String field) {
        return (long) fields.get(field);
    }

    double real(String field) {
        return (double) fields.get(field);
    }

    OptionalDouble optionalReal(String field) {
        Object value = fields.get(field);
        return value == null ? OptionalDouble.empty() : OptionalDouble.of((double) value);
    }

    boolean flag(String field) {
        return (boolean) fields.get(field);
    }

    Instant instant(String field) {
        return Instant.ofEpochMilli(number(field));
    }

    /** The constant with the name of the symbol; every enum on the wire has a symbol for "not known". */
    <E extends Enum<E>> E symbol(String field, Class<E> type) {
        String symbol = text(field);
        for (E constant : type.getEnumConstants()) {
            if (constant.name().equals(symbol)) {
                return constant;
            }
        }
        throw new UnknownKindException(field + " '" + symbol + "'");
    }

    Map<String, String> texts(String field) {
        Map<String, String> texts = new HashMap<>();
        ((Map<?, ?>) fields.get(field)).forEach((key, value) -> texts.put(key.toString(), value.toString()));
        return texts;
    }

    <T> T record(String field, Form<T> form) {
        return form.reader().apply(new Reading((GenericRecord) fields.get(field)));
    }

    <T> Optional<T> optional(String field, Form<T> form) {
        return Optional.ofNullable((GenericRecord) fields.get(field))
                .map(value -> form.reader().apply(new Reading(value)));
    }

    <T> List<T> list(String field, Form<T> form) {
        return ((Collection<?>) fields.get(field))
                .stream()
                        .map(value -> form.reader().apply(new Reading((GenericRecord) value)))
                        .toList();
    }

    <T> Map<String, T> map(String field, Form<T> form) {
        Map<String, T> values = new HashMap<>();
        ((Map<?, ?>) fields.get(field))
                .forEach((key, value) ->
                        values.put(key.toString(), form.reader().apply(new Reading((GenericRecord) value))));
        return values;
    }
}
