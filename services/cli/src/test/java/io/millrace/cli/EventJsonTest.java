package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.Decision;
import io.millrace.events.Device;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.events.ModelName;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class EventJsonTest {
    record Sample(ModelName model, Optional<String> absent, Duration waited, Metric metric, int count) {}

    @Test
    void recordsBecomeObjectsInTheWordsOfTheWire() {
        Sample sample =
                new Sample(new ModelName("chat-7b"), Optional.empty(), Duration.ofMillis(1500), Metric.SIZE_RATIO, 3);

        String json = EventJson.line(sample);

        assertThat(json).isEqualTo("{\"model\":\"chat-7b\",\"waited\":1.5,\"metric\":\"size-ratio\",\"count\":3}");
    }

    @Test
    void aDecisionSaysWhichItIs() {
        Measurement missing = Measurement.missing(Metric.GENERATION_RATE, Device.CPU, "no runtime here");
        Decision decision = new Decision.Refused(List.of(missing), List.of());

        String json = EventJson.line(decision);

        assertThat(json).startsWith("{\"kind\":\"refused\"").contains("\"note\":\"no runtime here\"");
    }
}
