package io.millrace.cli.local;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.millrace.conductor.Conductor;
import io.millrace.conductor.ConductorSettings;
import io.millrace.events.Device;
import io.millrace.events.wire.TopicAdmin;
import io.millrace.events.wire.Topics;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.DoublePredicate;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a conductor shows of a transaction that nobody ends. */
final class InputStalledIT {
    private static final Topics TOPICS = Topics.DEFAULT;

    @TempDir
    Path folder;

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();

    @Test
    @Timeout(300)
    void aConductorThatWaitsForTheEndOfATransactionShowsForHowLong() throws Exception {
        try (EmbeddedBroker broker = EmbeddedBroker.start(folder.resolve("kafka"), message -> {
                    throw new AssertionError(message);
                });
                Admin admin = Admin.create(Map.of("bootstrap.servers", broker.address()))) {
            TopicAdmin.apply(admin, TOPICS, List.of(Device.CPU), (short) 1);
            try (Conductor conductor = Conductor.start(
                            ConductorSettings.local(broker.address(), folder.resolve("state"), registry));
                    KafkaProducer<String, String> left = transactional(broker.address())) {
                assertThat(conductor.awaitRunning(Duration.ofMinutes(2))).isTrue();
                // Deletes a policy that nobody applied: its record and the marker of its transaction in each partition.
                left.initTransactions();
                left.beginTransaction();
                left.send(new ProducerRecord<>(TOPICS.policies(), 0, "before", null))
                        .get();
                left.commitTransaction();
                await(seconds -> seconds == 0);

                left.beginTransaction();
                left.send(new ProducerRecord<>(TOPICS.policiesByPartition(), 3, "open", null))
                        .get();
                await(seconds -> seconds > 0);

                left.abortTransaction();
                await(seconds -> seconds == 0);

                // Nothing else was ever read of this partition, so Streams commits no offset behind it.
                left.beginTransaction();
                left.send(new ProducerRecord<>(TOPICS.checkpoints(), 7, "open", "event"))
                        .get();
                await(seconds -> seconds > 0);

                left.abortTransaction();
                await(seconds -> seconds == 0);
            }
        }
        assertThat(registry.find("millrace.input.stalled.seconds").gauge()).isNull();
    }

    private void await(DoublePredicate claim) {
        Awaitility.await()
                .atMost(Duration.ofMinutes(2))
                .until(() -> claim.test(
                        registry.get("millrace.input.stalled.seconds").gauge().value()));
    }

    private static KafkaProducer<String, String> transactional(String address) {
        return new KafkaProducer<>(
                Map.of(
                        "bootstrap.servers",
                        address,
                        "transactional.id",
                        "left-open",
                        "transaction.timeout.ms",
                        Math.toIntExact(Duration.ofMinutes(10).toMillis())),
                new StringSerializer(),
                new StringSerializer());
    }
}
