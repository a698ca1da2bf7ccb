package io.millrace.conductor;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.util.Map;
import org.apache.kafka.streams.StreamsConfig;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What the conductor's own clients get, after Kafka Streams has added what follows from its settings. */
class StreamsPropertiesTest {
    private final StreamsConfig config = new StreamsConfig(
            StreamsProperties.of(ConductorSettings.local("unused:9092", Path.of("unused"), new SimpleMeterRegistry())));

    @Test
    @Tag("promise-1")
    @DisplayName("Promise 1: a state, its job and its offset are written in one transaction, or not at all")
    void whatIsReadIsCommittedAndWhatIsWrittenIsPartOfATransaction() {
        Map<String, Object> consumer = config.getMainConsumerConfigs("group", "client", 0);
        Map<String, Object> producer = config.getProducerConfigs("client");

        assertThat(config.getString("processing.guarantee")).isEqualTo("exactly_once_v2");
        assertThat(consumer).containsEntry("isolation.level", "read_committed");
        assertThat(producer).containsEntry("enable.idempotence", true);
        assertThat(producer.getOrDefault("acks", "all")).isEqualTo("all");
    }

    /** A checkpoint that was published before the first conductor started counts too. */
    @Test
    void topicsAreReadFromTheirFirstRecord() {
        assertThat(config.getMainConsumerConfigs("group", "client", 0)).containsEntry("auto.offset.reset", "earliest");
    }
}
