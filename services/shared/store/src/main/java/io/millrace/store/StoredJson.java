package io.millrace.store;

import io.millrace.events.ArtifactRef;
import io.millrace.events.CanonicalJson;
import io.millrace.events.Cost;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import io.millrace.events.Measurement;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * Results and claims as JSON files.
 *
 * <pre>
 * results/&lt;jobKey&gt;.json  format "millrace-result/1", key, output {manifest, location}, size-bytes, measurements
 *                         [{metric, value?, standard-error?, baseline?, unit, runtime, device, samples, dataset?, note}],
 *                         cost {compute (ISO-8601), bytes-in, bytes-out}, writer; sealed ({@link Seal})
 * claims/&lt;jobKey&gt;.json   format "millrace-claim/1", key, holder, starts, beat
 * </pre>
 */
final class StoredJson {
    private static final String RESULT = "millrace-result/1";
    private static final String CLAIM = "millrace-claim/1";

    /** Of whatever version. */
    private static final Pattern FORMAT = Pattern.compile("millrace-result/[0-9]+");

    private StoredJson() {}

    static byte[] write(JobResult result) {
        Map<String, Object> json = new TreeMap<>();
        json.put("format", RESULT);
        json.put("key", result.key().toString());
        json.put(
                "output",
                Map.of(
                        "manifest", result.output().manifest().hex(),
                        "location", result.output().location().toString()));
        json.put("size-bytes", result.sizeBytes());
        json.put(
                "measurements",
                result.measurements().stream().map(StoredJson::write).toList());
        json.put(
                "cost",
                Map.of(
                        "compute", result.cost().compute().toString(),
                        "bytes-in", result.cost().bytesIn(),
                        "bytes-out", result.cost().bytesOut()));
        json.put("writer", result.writer());
        return Seal.put(bytes(json));
    }

    static JobResult readResult(String where, byte[] content) throws DamagedFileException {
        JsonFields json = open(where, Seal.open(where, content), RESULT);
        try {
            JsonFields output = json.object("output");
            JsonFields cost = json.object("cost");
            List<Measurement> measurements = new ArrayList<>();
            for (JsonFields measurement : json.objects("measurements")) {
                measurements.add(readMeasurement(measurement));
            }
            JobResult result = new JobResult(
                    JobKey.parse(json.text("key")),
                    new ArtifactRef(new Digest(output.text("manifest")), URI.create(output.text("location"))),
                    json.whole("size-bytes"),
                    measurements,
                    new Cost(Duration.parse(cost.text("compute")), cost.whole("bytes-in"), cost.whole("bytes-out")),
                    json.text("writer"));
            output.end();
            cost.end();
            json.end();
            return result;
        } catch (IllegalArgumentException | DateTimeException e) {
            throw new DamagedFileException(where + ": " + e.getMessage(), e);
        }
    }

    /** Why this is no result; empty if it is one, or may be one to another version. */
    static Optional<String> unreadable(String where, byte[] content) {
        try {
            String format = JsonFields.parse(where, Seal.open(where, content)).text("format");
            if (!format.equals(RESULT) && FORMAT.matcher(format).matches()) {
                return Optional.empty();
            }
            readResult(where, content);
            return Optional.empty();
        } catch (DamagedFileException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    static byte[] write(Claim claim) {
        return bytes(new TreeMap<>(Map.of(
                "format", CLAIM,
                "key", claim.key().toString(),
                "holder", claim.holder(),
                "starts", claim.starts(),
                "beat", claim.beat())));
    }

    static Claim readClaim(String where, byte[] content) throws DamagedFileException {
        JsonFields json = open(where, content, CLAIM);
        try {
            Claim claim = new Claim(
                    JobKey.parse(json.text("key")), json.text("holder"), json.wholeInt("starts"), json.whole("beat"));
            json.end();
            return claim;
        } catch (IllegalArgumentException e) {
            throw new DamagedFileException(where + ": " + e.getMessage(), e);
        }
    }

    private static JsonFields open(String where, byte[] content, String format) throws DamagedFileException {
        JsonFields json = JsonFields.parse(where, content);
        String found = json.text("format");
        if (!found.equals(format)) {
            throw new DamagedFileException(where + ": has the format '" + found + "', expected '" + format
                    + "'; it was written by another version of Millrace");
        }
        return json;
    }

    private static Map<String, Object> write(Measurement measurement) {
        Map<String, Object> json = new TreeMap<>();
        json.put("metric", measurement.metric());
        putNumber(json, "value", measurement.value());
        putNumber(json, "standard-error", measurement.standardError());
        putNumber(json, "baseline", measurement.baseline());
        json.put("unit", measurement.unit());
        json.put("runtime", measurement.runtime());
        json.put("device", measurement.device().name());
        json.put("samples", measurement.samples());
        measurement.dataset().ifPresent(dataset -> json.put("dataset", dataset.hex()));
        json.put("note", measurement.note());
        return json;
    }

    private static Measurement readMeasurement(JsonFields json) throws DamagedFileException {
        Measurement measurement = new Measurement(
                json.text("metric"),
                json.optionalNumber("value"),
                json.optionalNumber("standard-error"),
                json.optionalNumber("baseline"),
                json.text("unit"),
                json.text("runtime"),
                new Device(json.text("device")),
                json.whole("samples"),
                json.optionalText("dataset").map(Digest::new),
                json.text("note"));
        json.end();
        return measurement;
    }

    private static void putNumber(Map<String, Object> json, String name, OptionalDouble number) {
        if (number.isPresent()) {
            if (!Double.isFinite(number.getAsDouble())) {
                throw new IllegalArgumentException(
                        "'" + name + "' is " + number.getAsDouble() + "; JSON has no such number");
            }
            json.put(name, number.getAsDouble());
        }
    }

    private static byte[] bytes(Map<String, Object> json) {
        return (CanonicalJson.write(json) + "\n").getBytes(StandardCharsets.UTF_8);
    }
}
