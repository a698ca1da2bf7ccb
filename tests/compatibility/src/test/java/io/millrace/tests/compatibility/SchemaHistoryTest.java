package io.millrace.tests.compatibility;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.events.wire.EventCodec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.SchemaCompatibility.SchemaCompatibilityType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every schema reads, and is read by, every version of it that was ever released. The current schemas, complete in
 * themselves, are written to {@code target/schemas}; a release copies those that changed to
 * {@code schemas/history/EVENT/NEXT.avsc}.
 */
class SchemaHistoryTest {
    static Stream<String> events() {
        return EventCodec.schemas().keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("events")
    void currentSchemaIsFullyCompatibleWithEveryRelease(String event) throws IOException {
        Schema current = EventCodec.schemas().get(event);
        Path copy = Files.createDirectories(Path.of("target/schemas")).resolve(event + ".avsc");
        Files.writeString(copy, new ObjectMapper().readTree(current.toString()).toPrettyString() + "\n");

        List<Path> releases = releases(event);

        assertThat(releases)
                .as("copy %s to schemas/history/%s/1.avsc", copy.toAbsolutePath(), event)
                .isNotEmpty();
        for (Path release : releases) {
            assertThat(conflicts(current, new Schema.Parser().parse(Repository.read(release))))
                    .as("%s; give a new field a default, never rename or retype one", release)
                    .isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("events")
    void releasesAreNumberedFromOneWithoutGaps(String event) {
        assertThat(releases(event))
                .extracting(path -> path.getFileName().toString())
                .containsExactlyInAnyOrderElementsOf(Stream.iterate(1, version -> version + 1)
                        .limit(releases(event).size())
                        .map(version -> version + ".avsc")
                        .toList());
    }

    @Test
    void historyHoldsNoEventThatIsGone() {
        assertThat(Repository.files(".avsc", Repository.SCHEMAS.resolve("history")).stream()
                        .map(path -> path.getParent().getFileName().toString())
                        .collect(Collectors.toSet()))
                .isEqualTo(EventCodec.schemas().keySet());
    }

    /** Evolution must be possible, not only absent: a field and a symbol more do not break old readers. */
    @ParameterizedTest
    @MethodSource("events")
    void fieldWithDefaultAndNewSymbolsMayBeAdded(String event) {
        String text = EventCodec.schemas().get(event).toString();

        Schema next = new Schema.Parser()
                .parse(text.replace("\"symbols\":[", "\"symbols\":[\"PAUSED\",")
                        .replaceFirst(
                                "\"fields\":\\[", "\"fields\":[{\"name\":\"added\",\"type\":\"long\",\"default\":0},"));

        assertThat(conflicts(next, EventCodec.schemas().get(event))).isEmpty();
    }

    @Test
    void checkBitesOnAFieldWithoutDefaultAndOnAChangedType() {
        Schema current = EventCodec.schemas().get("JobStarted");
        String text = current.toString();

        Schema required = new Schema.Parser()
                .parse(text.replaceFirst("\"fields\":\\[", "\"fields\":[{\"name\":\"added\",\"type\":\"long\"},"));
        Schema retyped = new Schema.Parser()
                .parse(text.replace("\"name\":\"starts\",\"type\":\"int\"", "\"name\":\"starts\",\"type\":\"long\""));

        assertThat(conflicts(required, current)).hasSize(1);
        assertThat(conflicts(retyped, current)).hasSize(1);
    }

    @ParameterizedTest
    @MethodSource("events")
    void everyFieldHasADocAndEveryEnumADefault(String event) {
        Map<String, Schema> named = new TreeMap<>();
        collect(EventCodec.schemas().get(event), named);

        for (Schema schema : named.values()) {
            assertThat(schema.getDoc()).as(schema.getFullName()).isNotBlank();
            if (schema.getType() == Schema.Type.ENUM) {
                assertThat(schema.getEnumDefault()).as(schema.getFullName()).isNotNull();
            } else {
                assertThat(schema.getFields())
                        .as(schema.getFullName())
                        .allSatisfy(field ->
                                assertThat(field.doc()).as(field.name()).isNotBlank());
            }
        }
    }

    private static List<Path> releases(String event) {
        return Repository.files(".avsc", Repository.SCHEMAS.resolve("history").resolve(event));
    }

    /** Both directions, since old readers meet new writers during a rolling upgrade. */
    private static List<String> conflicts(Schema a, Schema b) {
        List<String> conflicts = new ArrayList<>();
        for (List<Schema> pair : List.of(List.of(a, b), List.of(b, a))) {
            var result = SchemaCompatibility.checkReaderWriterCompatibility(pair.getFirst(), pair.getLast());
            if (result.getType() != SchemaCompatibilityType.COMPATIBLE) {
                conflicts.add(result.getResult().getIncompatibilities().toString());
            }
        }
        return conflicts;
    }

    private static void collect(Schema schema, Map<String, Schema> named) {
        switch (schema.getType()) {
            case RECORD -> {
                if (named.put(schema.getFullName(), schema) == null) {
                    schema.getFields().forEach(field -> collect(field.schema(), named));
                }
            }
            case ENUM -> named.put(schema.getFullName(), schema);
            case ARRAY -> collect(schema.getElementType(), named);
            case MAP -> collect(schema.getValueType(), named);
            case UNION -> schema.getTypes().forEach(type -> collect(type, named));
            case FIXED, STRING, BYTES, INT, LONG, FLOAT, DOUBLE, BOOLEAN, NULL -> {}
        }
    }
}
