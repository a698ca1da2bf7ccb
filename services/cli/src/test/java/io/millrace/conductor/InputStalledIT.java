package io.millrace.conductor;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.millrace.cli.local.EmbeddedBroker;
import io.millrace.events.Device;
import io.millrace.events.wire.TopicAdmin;
import io.millrace.events.wire.Topics;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.DoublePredicate;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringSerializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a conductor shows of a transaction that nobody ends. */
final class InputStalledIT {
    private static final Topics TOPICS = Topics.DEFAULT;
    private static final Duration PATIENCE = Duration.ofMinutes(2);

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
            ConductorSettings settings = ConductorSettings.local(broker.address(), folder.resolve("state"), registry);
            SimpleMeterRegistry seen = new SimpleMeterRegistry();
            try (Conductor conductor = Conductor.start(settings);
                    InputWatch watch = new InputWatch(
                            admin,
                            Map.of("bootstrap.servers", broker.address()),
                            settings.applicationId(),
                            TOPICS,
                            System::nanoTime,
                            seen);
                    KafkaProducer<String, String> left = transactional(broker.address())) {
                assertThat(conductor.awaitRunning(Duration.ofMinutes(2))).isTrue();
                // Deletes a policy that nobody applied: its record and the marker of its transaction in each partition.
                left.initTransactions();
                left.beginTransaction();
                left.send(new ProducerRecord<>(TOPICS.policies(), 0, "before", null))
                        .get();
                left.commitTransaction();
                await(watch, seen, seconds -> seconds == 0);

                left.beginTransaction();
                left.send(new ProducerRecord<>(TOPICS.policiesByPartition(), 3, "open", null))
                        .get();
                await(watch, seen, seconds -> seconds > 0);
                Awaitility.await("the conductor's own look").atMost(PATIENCE).until(() -> seconds(registry) > 0);

                left.abortTransaction();
                await(watch, seen, seconds -> seconds == 0);

                // Nothing else was ever read of this partition, so Streams commits no offset behind it.
                left.beginTransaction();
                left.send(new ProducerRecord<>(TOPICS.checkpoints(), 7, "open", "event"))
                        .get();
                await(watch, seen, seconds -> seconds > 0);

                left.abortTransaction();
                await(watch, seen, seconds -> seconds == 0);
            }
            assertThat(registry.find("millrace.input.stalled.seconds").gauge()).isNull();
            whatWaitsBehindDeletedRecordsStandsStillToo(broker.address(), admin);
        }
    }

    /** As after a retention that was shorter than the time without a conductor. */
    private void whatWaitsBehindDeletedRecordsStandsStillToo(String address, Admin admin) throws Exception {
        TopicPartition partition = new TopicPartition(TOPICS.checkpoints(), 5);
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", address), new StringSerializer(), new StringSerializer())) {
            for (String record : List.of("deleted", "waits")) {
                producer.send(new ProducerRecord<>(partition.topic(), partition.partition(), record, "event"))
                        .get();
            }
        }
        admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(1)))
                .all()
                .get();
        Map<TopicPartition, OffsetSpec> latest = TOPICS.fixed().stream()
                .flatMap(topic -> IntStream.range(0, topic.partitions())
                        .mapToObj(number -> new TopicPartition(topic.name(), number)))
                .collect(Collectors.toMap(Function.identity(), _ -> OffsetSpec.latest()));
        Map<TopicPartition, OffsetAndMetadata> read = new HashMap<>();
        admin.listOffsets(latest).all().get().forEach((of, end) -> read.put(of, new OffsetAndMetadata(end.offset())));
        read.put(partition, new OffsetAndMetadata(0));
        admin.alterConsumerGroupOffsets("other", read).all().get();
        AtomicLong nanos = new AtomicLong();
        try (InputWatch watch =
                new InputWatch(admin, Map.of("bootstrap.servers", address), "other", TOPICS, nanos::get, registry)) {
            watch.look();
            nanos.set(Duration.ofSeconds(10).toNanos());
            watch.look();

            assertThat(registry.get("millrace.input.stalled.seconds").gauge().value())
                    .isEqualTo(10);
        }
    }

    /** Looks until the claim is true; the conductor itself looks every ten seconds. */
    private static void await(InputWatch watch, MeterRegistry seen, DoublePredicate claim) {
        Awaitility.await().atMost(PATIENCE).until(() -> {
            watch.look();
            return claim.test(seconds(seen));
        });
    }

    private static double seconds(MeterRegistry shown) {
        return shown.get("millrace.input.stalled.seconds").gauge().value();
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
