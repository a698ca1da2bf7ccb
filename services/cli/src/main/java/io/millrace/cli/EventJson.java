package io.millrace.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectWriter;
import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import io.millrace.events.Limit;
import io.millrace.events.Parameters;
import io.millrace.events.RunId;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * The JSON form of what commands print. A record is an object with its components in kebab case; what is absent is left
 * out; a record of one component is that component (so an identifier is a string); a case of a sealed type says which in
 * {@code kind}; enum constants are spelled as on the wire; durations are seconds.
 */
final class EventJson {
    private static final ObjectWriter COMPACT = new ObjectMapper().writer();
    private static final ObjectWriter PRETTY = COMPACT.withDefaultPrettyPrinter();

    private EventJson() {}

    static String pretty(Object value) {
        return write(PRETTY, value);
    }

    static String line(Object value) {
        return write(COMPACT, value);
    }

    private static String write(ObjectWriter writer, Object value) {
        try {
            return writer.writeValueAsString(tree(value));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a " + value.getClass().getName() + " has no JSON form", e);
        }
    }

    private static @Nullable Object tree(@Nullable Object value) {
        return switch (value) {
            case null -> null;
            case Number number -> number;
            case Boolean flag -> flag;
            case Optional<?> optional -> optional.map(EventJson::tree).orElse(null);
            case OptionalDouble optional -> optional.isPresent() ? optional.getAsDouble() : null;
            case Duration duration -> duration.toMillis() / 1000.0;
            case Enum<?> constant -> constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
            case Map<?, ?> map -> {
                Map<String, @Nullable Object> object = new LinkedHashMap<>();
                map.forEach((key, entry) -> put(object, String.valueOf(tree(key)), tree(entry)));
                yield object;
            }
            case Collection<?> collection ->
                collection.stream().map(EventJson::tree).toList();
            case Digest digest -> digest.hex();
            case JobKey key -> key.toString();
            case RunId run -> run.toString();
            case Limit limit -> limit.toString();
            case Parameters parameters -> {
                Map<String, @Nullable Object> object = new LinkedHashMap<>();
                object.put("stage", parameters.stage().wireName());
                object.put("name", parameters.name());
                object.putAll(parameters.values());
                yield object;
            }
            case Record record -> tree(record);
            default -> value.toString();
        };
    }

    private static @Nullable Object tree(Record record) {
        RecordComponent[] components = record.getClass().getRecordComponents();
        Map<String, @Nullable Object> object = new LinkedHashMap<>();
        sealedCase(record.getClass()).ifPresent(kind -> object.put("kind", kind));
        if (components.length == 1 && object.isEmpty()) {
            return tree(component(record, components[0]));
        }
        for (RecordComponent component : components) {
            put(object, kebab(component.getName()), tree(component(record, component)));
        }
        return object;
    }

    private static void put(Map<String, @Nullable Object> object, String name, @Nullable Object value) {
        if (value != null) {
            object.put(name, value);
        }
    }

    /** Which case of a sealed type nested in its own vocabulary this is: {@code accepted} of a decision. */
    private static Optional<String> sealedCase(Class<?> type) {
        for (Class<?> parent : type.getInterfaces()) {
            if (parent.isSealed()
                    && type.getNestHost() != type
                    && !parent.getSimpleName().equals("Event")) {
                return Optional.of(kebab(type.getSimpleName()));
            }
        }
        return Optional.empty();
    }

    private static @Nullable Object component(Record record, RecordComponent component) {
        try {
            return component.getAccessor().invoke(record);
        } catch (IllegalAccessException | InvocationTargetException e) {
            throw new IllegalStateException(
                    "component '" + component.getName() + "' of "
                            + record.getClass().getName() + " cannot be read",
                    e);
        }
    }

    private static String kebab(String name) {
        return name.replaceAll("(?<=[a-z0-9])([A-Z])", "-$1").toLowerCase(Locale.ROOT);
    }
}
