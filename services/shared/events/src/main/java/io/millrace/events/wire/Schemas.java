package io.millrace.events.wire;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;

/** The schemas that this version was built with: the current ones, and every one that was ever released. */
final class Schemas {
    /** Records inside events, each after those that it is made of. */
    private static final List<String> SHARED = List.of(
            "ArtifactRef",
            "ModelNumbers",
            "Cost",
            "Failure",
            "JobRef",
            "Parameters",
            "TextUse",
            "Limit",
            "Step",
            "Recipe",
            "Target",
            "Measurement",
            "Verdict",
            "Decision",
            "StepDone",
            "Candidate");

    /** One for each event. */
    private static final List<String> EVENTS = List.of(
            "CheckpointPublished",
            "Policy",
            "Job",
            "JobStarted",
            "JobProgressed",
            "JobSucceeded",
            "JobFailed",
            "OperatorRequest",
            "JobCancelled",
            "ModelPublished",
            "ModelRejected",
            "RunFailed",
            "RunChanged");

    private static final Map<String, Schema> CURRENT = readCurrent();
    private static final Map<String, Long> FINGERPRINTS = CURRENT.entrySet().stream()
            .collect(Collectors.toMap(Map.Entry::getKey, entry -> fingerprint(entry.getValue())));
    private static final Map<Long, Schema> BUILT_IN = readHistory();

    private Schemas() {}

    /** Current schemas of the events, by name without namespace. */
    static Map<String, Schema> current() {
        return CURRENT;
    }

    static Schema current(String event) {
        Schema schema = CURRENT.get(event);
        if (schema == null) {
            throw new IllegalStateException("no schema for '" + event + "'; add schemas/avro/" + event + ".avsc");
        }
        return schema;
    }

    /** A current or released schema. */
    static Optional<Schema> builtIn(long fingerprint) {
        return Optional.ofNullable(BUILT_IN.get(fingerprint));
    }

    /** Of the current schema of this event. */
    static long fingerprint(String event) {
        return Objects.requireNonNull(FINGERPRINTS.get(event), event);
    }

    static long fingerprint(Schema schema) {
        return SchemaNormalization.parsingFingerprint64(schema);
    }

    /** As headers and the topic of schemas spell it. */
    static String hex(long fingerprint) {
        return HexFormat.of().toHexDigits(fingerprint);
    }

    private static Map<String, Schema> readCurrent() {
        Schema.Parser parser = new Schema.Parser();
        for (String name : SHARED) {
            parser.parse(require("avro/shared/" + name + ".avsc"));
        }
        Map<String, Schema> schemas = new LinkedHashMap<>();
        for (String name : EVENTS) {
            schemas.put(name, parser.parse(require("avro/" + name + ".avsc")));
        }
        return Collections.unmodifiableMap(schemas);
    }

    private static Map<Long, Schema> readHistory() {
        Stream<Schema> released = EVENTS.stream()
                .flatMap(name -> Stream.iterate(1, version -> version + 1)
                        .map(version -> text("history/" + name + "/" + version + ".avsc"))
                        .takeWhile(Optional::isPresent)
                        .map(text -> new Schema.Parser().parse(text.orElseThrow())));
        return Stream.concat(CURRENT.values().stream(), released)
                .collect(Collectors.toMap(Schemas::fingerprint, schema -> schema, (current, older) -> current));
    }

    private static String require(String path) {
        return text(path).orElseThrow(() -> new IllegalStateException("schemas/" + path + " is not in the jar"));
    }

    private static Optional<String> text(String path) {
        try (InputStream in = Schemas.class.getResourceAsStream("/io/millrace/events/schemas/" + path)) {
            return in == null ? Optional.empty() : Optional.of(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read schemas/" + path + " from the jar", e);
        }
    }
}
