package io.millrace.benchmarker;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.events.Parameters;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportFileTest {
    @Test
    void everyPartOfAMeasurementStandsUnderItsName(@TempDir Path folder) throws Exception {
        Digest text = Digest.of("text");
        Measurement measured = new Measurement(
                Metric.KL_DIVERGENCE.wireName(),
                OptionalDouble.of(0.5),
                OptionalDouble.of(0.25),
                OptionalDouble.of(2),
                "nat",
                "a runtime",
                Device.CPU,
                7,
                Optional.of(text),
                "a note");
        Measurement missing = Measurement.missing(Metric.PERPLEXITY, Device.CPU, "no text");

        ReportFile.write(folder, new Parameters.Quality(40, 256), List.of(measured, missing));

        var report =
                new ObjectMapper().readTree(folder.resolve("benchmark.json").toFile());
        assertThat(report.path("benchmark").asText()).isEqualTo("quality");
        assertThat(report.at("/measurements/0")).isEqualTo(new ObjectMapper().readTree("""
                {"metric": "%s", "value": 0.5, "standard-error": 0.25, "baseline": 2.0, "unit": "nat",
                 "runtime": "a runtime", "device": "%s", "samples": 7, "dataset": "%s", "note": "a note"}
                """.formatted(
                                Metric.KL_DIVERGENCE.wireName(), Device.CPU.name(), text.hex())));
        assertThat(report.at("/measurements/1").has("value")).isFalse();
        assertThat(report.at("/measurements/1/note").asText()).isEqualTo("no text");
    }
}
