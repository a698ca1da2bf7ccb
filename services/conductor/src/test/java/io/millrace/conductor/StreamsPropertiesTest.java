package io.millrace.conductor;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.millrace.conductor.run.Limits;
import io.millrace.events.wire.Topics;
import java.nio.file.Path;
import java.util.Map;
import org.apache.kafka.streams.StreamsConfig;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What the conductor's own clients get, whatever {@code --kafka-config} says of it. */
class StreamsPropertiesTest {
    private static final Map<String, Object> OPERATORS = Map.of(
            "bootstrap.servers", "unused:9092",
            "acks", "1",
            "enable.idempotence", false,
            "isolation.level", "read_uncommitted",
            "auto.offset.reset", "latest",
            "ssl.protocol", "TLSv1.3");

    private final StreamsConfig config = config(OPERATORS);

    private static StreamsConfig config(Map<String, Object> kafka) {
        return new StreamsConfig(StreamsProperties.of(new ConductorSettings(
                kafka,
                Topics.DEFAULT,
                "conductor",
                Path.of("unused"),
                (short) 1,
                1,
                Limits.DEFAULT,
                ConductorSettings.Pace.CLUSTER,
                new SimpleMeterRegistry(),
                _ -> {})));
    }

    @Test
    @Tag("promise-1")
    @DisplayName("Promise 1: a state, its job and its offset are written in one transaction, or not at all")
    void whatIsWrittenIsPartOfATransactionThatEveryReplicaHas() {
        assertThat(config.getString("processing.guarantee")).isEqualTo("exactly_once_v2");
        assertThat(config.getProducerConfigs("client"))
                .containsEntry("acks", "all")
                .containsEntry("enable.idempotence", true)
                .containsEntry("ssl.protocol", "TLSv1.3");
    }

    /** A checkpoint that was published before the first conductor started counts too. */
    @Test
    void whatIsReadIsCommittedAndAllThatIsThere() {
        assertThat(config.getMainConsumerConfigs("group", "client", 0))
                .containsEntry("isolation.level", "read_committed")
                .containsEntry("auto.offset.reset", "earliest")
                .containsEntry("ssl.protocol", "TLSv1.3");
    }

    @Test
    void aConductorThatWasKilledIsWaitedForAsLongAsItsOperatorsSay() {
        assertThat(config.getMainConsumerConfigs("group", "client", 0)).containsEntry("session.timeout.ms", 15_000);
        assertThat(config(Map.of("bootstrap.servers", "unused:9092", "session.timeout.ms", "60000"))
                        .getMainConsumerConfigs("group", "client", 0))
                .containsEntry("session.timeout.ms", "60000");
    }
}
