package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.cli.DoctorCommand.Finding;
import io.millrace.cli.local.EmbeddedBroker;
import io.millrace.events.Device;
import io.millrace.events.wire.TopicAdmin;
import io.millrace.events.wire.Topics;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ClusterChecksIT {
    private static final Topics TOPICS = Topics.DEFAULT;

    @TempDir
    Path folder;

    @Test
    void aServiceWhoseClockIsAheadIsSeenByItsRecords() throws Exception {
        Instant now = Instant.now();
        try (EmbeddedBroker broker = EmbeddedBroker.start(folder, message -> {
                    throw new AssertionError(message);
                });
                Admin admin = Admin.create(Map.of("bootstrap.servers", broker.address()))) {
            TopicAdmin.apply(admin, TOPICS, List.of(Device.CPU), (short) 1);
            write(broker.address(), now.plus(Duration.ofMinutes(4)));
            assertThat(ClusterChecks.clocks(admin, TOPICS, now)).matches(Finding::fine);

            write(broker.address(), now.plus(Duration.ofMinutes(17)));

            Finding apart = ClusterChecks.clocks(admin, TOPICS, now);
            assertThat(apart.fine()).isFalse();
            assertThat(apart.found()).contains(TOPICS.jobEvents(), now.toString(), "NTP");
        }
    }

    private static void write(String address, Instant at) throws Exception {
        try (var producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", address), new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>(TOPICS.jobEvents(), null, at.toEpochMilli(), "key", "value"))
                    .get();
        }
    }
}
