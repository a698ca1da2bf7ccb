package io.millrace.conductor.topology;

import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.deser.std.StdScalarDeserializer;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.jsontype.NamedType;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import io.millrace.conductor.run.RunRequest;
import io.millrace.conductor.run.RunState;
import io.millrace.conductor.run.Ticket;
import io.millrace.events.Candidate;
import io.millrace.events.Decision;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.GgufPartLimit;
import io.millrace.events.JobKey;
import io.millrace.events.ModelName;
import io.millrace.events.Parameters;
import io.millrace.events.Reason;
import io.millrace.events.RunId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.jspecify.annotations.Nullable;

/**
 * State as JSON. Identifiers are text, a case of a sealed type carries its name in {@code @is}, and what a reader does
 * not know it skips, so that a conductor may be rolled back by one version; but not what a policy asks for.
 */
final class StateJson {
    private static final ObjectMapper MAPPER = mapper();

    private StateJson() {}

    /** State that cannot be read. It is nobody's record that is at fault. */
    static final class UnreadableStateException extends RuntimeException {
        UnreadableStateException(Class<?> type, byte[] bytes, Throwable cause) {
            super(
                    "the store holds a " + type.getSimpleName() + " that this version cannot read: "
                            + new String(bytes, 0, Math.min(bytes.length, 200), StandardCharsets.UTF_8),
                    cause);
        }
    }

    static <T> Serde<T> serde(Class<T> type) {
        ObjectWriter writer = MAPPER.writerFor(type);
        ObjectReader reader = MAPPER.readerFor(type);
        Serializer<T> serializer = (_, value) -> write(writer, value);
        Deserializer<T> deserializer = (_, bytes) -> read(reader, type, bytes);
        return Serdes.serdeFrom(serializer, deserializer);
    }

    /** The request in an open run's state, of which nothing else need be readable. */
    static Optional<RunRequest> request(byte[] run) {
        try {
            return Optional.ofNullable(
                    MAPPER.readerFor(Asked.class).<Asked>readValue(run).request());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private record Asked(@Nullable RunRequest request) {}

    private static byte @Nullable [] write(ObjectWriter writer, @Nullable Object value) {
        if (value == null) {
            return null;
        }
        try {
            return writer.writeValueAsBytes(value);
        } catch (JacksonException e) {
            throw new IllegalStateException("a " + value.getClass().getSimpleName() + " that JSON cannot hold", e);
        }
    }

    private static <T> @Nullable T read(ObjectReader reader, Class<T> type, byte @Nullable [] bytes) {
        if (bytes == null) {
            return null;
        }
        try {
            return reader.readValue(bytes);
        } catch (IOException e) {
            throw new UnreadableStateException(type, bytes, e);
        }
    }

    private static ObjectMapper mapper() {
        SimpleModule identifiers = new SimpleModule("identifiers");
        text(identifiers, Digest.class, Digest::new);
        text(identifiers, JobKey.class, JobKey::parse);
        text(identifiers, RunId.class, RunId::parse);
        text(identifiers, ModelName.class, ModelName::new);
        text(identifiers, Device.class, Device::new);
        text(identifiers, Reason.class, StateJson::reason);
        JsonMapper.Builder builder = JsonMapper.builder()
                .disable(MapperFeature.AUTO_DETECT_IS_GETTERS) // ArtifactRef.isInStore is no component
                .addModules(identifiers, new Jdk8Module(), new JavaTimeModule())
                .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                .addHandler(new WholeRequests())
                .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS)
                .disable(SerializationFeature.WRITE_DURATIONS_AS_TIMESTAMPS);
        for (Class<?> type : List.of(
                Parameters.class,
                GgufPartLimit.class,
                Decision.class,
                Candidate.Outcome.class,
                RunState.class,
                Ticket.Phase.class)) {
            builder.addMixIn(type, Case.class);
            registerCases(builder, type);
        }
        return builder.build();
    }

    /** Written by its name; one of a later version is unknown to this one. */
    private static Reason reason(String name) {
        return Reason.ofCode(name.toLowerCase(Locale.ROOT).replace('_', '-'));
    }

    private static void registerCases(JsonMapper.Builder builder, Class<?> type) {
        for (Class<?> permitted : type.getPermittedSubclasses()) {
            if (permitted.isSealed()) {
                registerCases(builder, permitted);
            } else {
                builder.registerSubtypes(new NamedType(permitted, permitted.getSimpleName()));
            }
        }
    }

    private static <T> void text(SimpleModule module, Class<T> type, Function<String, T> parser) {
        module.addSerializer(type, ToStringSerializer.instance);
        module.addDeserializer(type, new TextDeserializer<>(type, parser));
    }

    @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "@is")
    private interface Case {}

    private static final class TextDeserializer<T> extends StdScalarDeserializer<T> {
        private final transient Function<String, T> parser;

        TextDeserializer(Class<T> type, Function<String, T> parser) {
            super(type);
            this.parser = parser;
        }

        @Override
        public T deserialize(JsonParser json, DeserializationContext context) throws IOException {
            return parser.apply(json.getValueAsString());
        }
    }
}
