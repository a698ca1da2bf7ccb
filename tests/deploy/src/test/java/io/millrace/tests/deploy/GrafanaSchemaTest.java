package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The dashboards in the classes that Grafana's publishers make from its schema (Python: grafana-foundation-sdk). */
final class GrafanaSchemaTest {
    private static final Path DASHBOARDS = Repository.DEPLOY.resolve("grafana/dashboards");
    private static final String READER = "src/test/python/grafana_reader.py";

    @TempDir
    Path folder;

    private OperationsTool python;

    @BeforeEach
    void requirePython() throws Exception {
        // pip takes one for Grafana 10 if it is not told: the releases have epochs, and the highest is of the oldest
        // Grafana.
        python = OperationsTool.pythonOrSkip(folder, "grafana-foundation-sdk", "0.0.21");
    }

    @Test
    void everyKeyIsKnownAndEveryValueOfItsType() throws Exception {
        assertThat(read(Repository.files(DASHBOARDS, ".json"))).isEqualTo("0\n");
    }

    @Test
    void aKeyWithATypoAWrongTypeAndAnUnknownWordAreFound() throws Exception {
        Path planted = Files.writeString(
                folder.resolve("planted.json"),
                Files.readString(DASHBOARDS.resolve("overview.json"))
                        .replaceFirst("\"description\": \"Runs", "\"descripton\": \"Runs")
                        .replaceFirst("\"range\": false", "\"range\": \"no\"")
                        .replaceFirst("\"graphMode\": \"none\"", "\"graphMode\": \"nothing\""));

        assertThat(read(List.of(planted)))
                .contains("/descripton: not known")
                .contains("range_val: found 'no', expected")
                .contains("graph_mode: found 'nothing', expected");
    }

    private String read(List<Path> files) throws Exception {
        List<String> arguments =
                new ArrayList<>(List.of(Path.of(READER).toAbsolutePath().toString()));
        files.forEach(file -> arguments.add(file.toString()));
        return python.run(folder, arguments.toArray(String[]::new));
    }
}
