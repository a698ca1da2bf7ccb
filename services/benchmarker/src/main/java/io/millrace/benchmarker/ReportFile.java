package io.millrace.benchmarker;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.events.Measurement;
import io.millrace.events.Parameters.Benchmark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** {@code benchmark.json}: the parameters and every measurement with what it rests on. */
final class ReportFile {
    private static final ObjectMapper JSON = new ObjectMapper();

    private ReportFile() {}

    static void write(Path folder, Benchmark parameters, List<Measurement> measurements) throws IOException {
        ObjectNode root = JSON.createObjectNode();
        root.put("version", 1);
        root.put("benchmark", parameters.name());
        root.set("parameters", JSON.valueToTree(parameters.values()));
        ArrayNode array = root.putArray("measurements");
        for (Measurement measurement : measurements) {
            ObjectNode node = array.addObject();
            node.put("metric", measurement.metric());
            measurement.value().ifPresent(value -> node.put("value", value));
            measurement.standardError().ifPresent(value -> node.put("standard-error", value));
            measurement.baseline().ifPresent(value -> node.put("baseline", value));
            node.put("unit", measurement.unit());
            node.put("runtime", measurement.runtime());
            node.put("device", measurement.device().name());
            node.put("samples", measurement.samples());
            measurement.dataset().ifPresent(digest -> node.put("dataset", digest.hex()));
            node.put("note", measurement.note());
        }
        Files.writeString(
                folder.resolve("benchmark.json"),
                JSON.writerWithDefaultPrettyPrinter().writeValueAsString(root));
    }
}
