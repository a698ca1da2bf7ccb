package io.millrace.benchmarker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.millrace.events.Device;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.models.speed.Rates;
import io.millrace.models.speed.SpeedPlan;
import io.millrace.models.speed.SpeedReport;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class SpeedEvidenceTest {
    private static final SpeedReport REPORT = new SpeedReport(
            "a runtime",
            new SpeedPlan(2, 128, 64, 3),
            List.of(new Rates(100, 10), new Rates(130, 8), new Rates(110, 12)),
            List.of(new Rates(200, 30), new Rates(260, 40), new Rates(220, 20)));

    @Test
    void theMediansOfBothModelsAreToldWithTheirRanges() {
        List<Measurement> measurements = SpeedEvidence.of(REPORT, Device.CPU);

        assertThat(measurements)
                .extracting(Measurement::metric, Measurement::value, Measurement::baseline, Measurement::note)
                .containsExactly(
                        tuple(
                                Metric.PROMPT_RATE.wireName(),
                                OptionalDouble.of(220),
                                OptionalDouble.of(110),
                                "median; range 200.0 to 260.0, the original's 100.0 to 130.0; 2 thread(s)"),
                        tuple(
                                Metric.GENERATION_RATE.wireName(),
                                OptionalDouble.of(30),
                                OptionalDouble.of(10),
                                "median; range 20.00 to 40.00, the original's 8.000 to 12.00; 2 thread(s)"),
                        tuple(
                                Metric.GENERATION_SPEEDUP.wireName(),
                                OptionalDouble.of(3),
                                OptionalDouble.of(1),
                                "median of the candidate / median of the original"));
        assertThat(measurements).allSatisfy(measurement -> {
            assertThat(measurement.runtime()).isEqualTo("a runtime");
            assertThat(measurement.samples()).isEqualTo(3);
        });
    }

    @Test
    void aSpeedThatIsMissingIsMissingInEveryMetric() {
        assertThat(SpeedEvidence.missing("no runtime", Device.CPU))
                .extracting(Measurement::metric, Measurement::measured, Measurement::note)
                .containsExactly(
                        tuple(Metric.PROMPT_RATE.wireName(), false, "no runtime"),
                        tuple(Metric.GENERATION_RATE.wireName(), false, "no runtime"),
                        tuple(Metric.GENERATION_SPEEDUP.wireName(), false, "no runtime"));
    }
}
