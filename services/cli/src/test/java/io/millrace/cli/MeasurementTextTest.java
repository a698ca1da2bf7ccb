package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.Device;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class MeasurementTextTest {
    @Test
    void sizesAreWrittenAsEverywhereElse() {
        assertThat(MeasurementText.of(measurement(Metric.SIZE, 105_500_000, 269_030_016)))
                .isEqualTo("size 100.6 MiB, original 256.6 MiB, 1 samples");
    }

    @Test
    void otherNumbersKeepTheirUnit() {
        assertThat(MeasurementText.of(measurement(Metric.BITS_PER_WEIGHT, 6.165, 16)))
                .isEqualTo("bits-per-weight 6.165 bit, original 16.00, 1 samples");
    }

    private static Measurement measurement(Metric metric, double value, double baseline) {
        return new Measurement(
                metric.wireName(),
                OptionalDouble.of(value),
                OptionalDouble.empty(),
                OptionalDouble.of(baseline),
                metric.unit(),
                "",
                Device.CPU,
                1,
                Optional.empty(),
                "");
    }
}
