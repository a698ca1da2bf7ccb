package io.millrace.worker.commit;

import io.millrace.events.CanonicalJson;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Measurement;
import io.millrace.worker.StageOutput;
import java.io.IOException;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a stage finished and what that took: all that a commit needs, in one file beside the output, so that a process
 * which dies before the commit leaves nothing to be computed again.
 *
 * <pre>
 * format "millrace-finished/2", boot, output (relative to the workspace), files {name: size}, spent (ISO-8601), bytes-in,
 * measurements [{metric, value?, standard-error?, baseline?, unit, runtime, device, samples, dataset?, note}]
 * </pre>
 *
 * <p>The output's files are not forced to disk before they are stored, which would cost each job several writes. They
 * outlive the process all the same, but not the machine; so the file names the boot, and means nothing after another.
 *
 * @param files of the output, as the stage left them
 * @param spent from the first input to the stage's return
 */
record FinishedWork(StageOutput output, OutputFiles files, Duration spent, long bytesIn) {
    private static final String FORMAT = "millrace-finished/2";

    /** @throws OutputLostException if files of the output are not there any more, or are others */
    void requireWhole() throws IOException {
        requireWhole(OutputFiles.in(output.folder()));
    }

    void requireWhole(OutputFiles found) throws OutputLostException {
        List<String> changed = files.changed(found);
        if (!changed.isEmpty()) {
            throw new OutputLostException(output.folder(), changed);
        }
    }

    String json(Path workspace, String boot) {
        return CanonicalJson.write(Map.of(
                "format",
                FORMAT,
                "boot",
                boot,
                "output",
                workspace.relativize(output.folder()).toString(),
                "files",
                files.sizes(),
                "spent",
                spent.toString(),
                "bytes-in",
                bytesIn,
                "measurements",
                output.measurements().stream().map(FinishedWork::json).toList()));
    }

    /**
     * Reads {@link #json}; empty if it is of another boot.
     *
     * @throws IllegalArgumentException if it is not what {@link #json} writes
     */
    static Optional<FinishedWork> parse(String json, Path workspace, String boot) {
        Map<String, Object> fields = CanonicalJson.read(json);
        if (!text(fields, "format").equals(FORMAT) || !text(fields, "boot").equals(boot)) {
            return Optional.empty();
        }
        Path folder = workspace.resolve(text(fields, "output")).normalize();
        if (!folder.startsWith(workspace.normalize())) {
            throw new IllegalArgumentException("'output' is '" + folder + "', expected a folder below " + workspace);
        }
        List<Measurement> measurements = new ArrayList<>();
        for (Object measurement : field(fields, "measurements", List.class)) {
            if (!(measurement instanceof Map<?, ?> map)) {
                throw new IllegalArgumentException("a measurement is '" + measurement + "', expected an object");
            }
            measurements.add(measurement(map));
        }
        try {
            Duration spent = Duration.parse(text(fields, "spent"));
            return Optional.of(new FinishedWork(
                    new StageOutput(folder, measurements), files(fields), spent, whole(fields, "bytes-in")));
        } catch (DateTimeException e) {
            throw new IllegalArgumentException("'spent' is no duration", e);
        }
    }

    private static OutputFiles files(Map<String, Object> fields) {
        SortedMap<String, Long> sizes = new TreeMap<>();
        Map<?, ?> names = field(fields, "files", Map.class);
        names.keySet().forEach(name -> sizes.put(String.valueOf(name), whole(names, String.valueOf(name))));
        return new OutputFiles(sizes);
    }

    private static Map<String, Object> json(Measurement measurement) {
        Map<String, Object> json = new TreeMap<>();
        json.put("metric", measurement.metric());
        measurement.value().ifPresent(value -> json.put("value", value));
        measurement.standardError().ifPresent(error -> json.put("standard-error", error));
        measurement.baseline().ifPresent(baseline -> json.put("baseline", baseline));
        json.put("unit", measurement.unit());
        json.put("runtime", measurement.runtime());
        json.put("device", measurement.device().name());
        json.put("samples", measurement.samples());
        measurement.dataset().ifPresent(dataset -> json.put("dataset", dataset.hex()));
        json.put("note", measurement.note());
        return json;
    }

    private static Measurement measurement(Map<?, ?> json) {
        return new Measurement(
                text(json, "metric"),
                number(json, "value"),
                number(json, "standard-error"),
                number(json, "baseline"),
                text(json, "unit"),
                text(json, "runtime"),
                new Device(text(json, "device")),
                whole(json, "samples"),
                json.containsKey("dataset") ? Optional.of(new Digest(text(json, "dataset"))) : Optional.empty(),
                text(json, "note"));
    }

    private static String text(Map<?, ?> json, String name) {
        return field(json, name, String.class);
    }

    private static long whole(Map<?, ?> json, String name) {
        return field(json, name, Number.class).longValue();
    }

    private static OptionalDouble number(Map<?, ?> json, String name) {
        return json.containsKey(name)
                ? OptionalDouble.of(field(json, name, Number.class).doubleValue())
                : OptionalDouble.empty();
    }

    private static <T> T field(Map<?, ?> json, String name, Class<T> kind) {
        Object value = json.get(name);
        if (!kind.isInstance(value)) {
            throw new IllegalArgumentException("'" + name + "' is '" + value + "', expected a " + kind.getSimpleName());
        }
        return kind.cast(value);
    }
}
