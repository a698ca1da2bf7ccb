package io.millrace.worker.lease;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.Device;
import io.millrace.events.StageName;
import io.millrace.events.wire.TopicAdmin;
import io.millrace.events.wire.Topics;
import io.millrace.worker.EmbeddedBroker;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListShareGroupOffsetsSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** One slot's view of a queue, against a real broker. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class LeaseQueueIT {
    private static final String TOPIC = Topics.DEFAULT.jobs(StageName.PRUNE, Device.CPU);
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int RENEWALS = 30;
    private static final int WAITING = 6;

    @TempDir
    Path folder;

    @Test
    void renewingALeaseTakesNoOtherRecordFromTheQueue() throws Exception {
        try (EmbeddedBroker broker = EmbeddedBroker.start(folder)) {
            Map<String, Object> kafka = queueOf(1 + WAITING, broker);
            try (LeaseQueue busy = queue(kafka);
                    LeaseQueue idle = queue(kafka)) {
                ConsumerRecord<String, byte[]> held = next(busy);

                for (int i = 0; i < RENEWALS; i++) {
                    assertThat(busy.renew(held)).isTrue();
                }

                // One may be missing: the consumer may have asked for it while the first was on its way to it.
                List<String> following = new ArrayList<>();
                for (int i = 1; i < WAITING; i++) {
                    ConsumerRecord<String, byte[]> record = next(idle);
                    assertThat(record.deliveryCount()).as(record.key()).hasValue((short) 1);
                    idle.accept(record);
                    following.add(record.key());
                }
                assertThat(following).doesNotHaveDuplicates().doesNotContain(held.key());
                busy.accept(held);
            }
        }
    }

    @Test
    void theBrokerHearsOfAnAcceptedRecordWithTheNextPollOrTheEndOfTheQueue() throws Exception {
        try (EmbeddedBroker broker = EmbeddedBroker.start(folder)) {
            Map<String, Object> kafka = queueOf(2, broker);
            try (Admin admin = Admin.create(kafka)) {
                try (LeaseQueue queue = queue(kafka)) {
                    queue.accept(next(queue));
                    ConsumerRecord<String, byte[]> second = next(queue);

                    assertThat(queue.renew(second)).isTrue();
                    awaitWaiting(admin, 1);

                    queue.accept(second);
                }
                awaitWaiting(admin, 0);
            }
        }
    }

    /** @return the settings of clients of the broker, whose queue then holds records */
    private static Map<String, Object> queueOf(int records, EmbeddedBroker broker) throws Exception {
        Map<String, Object> kafka = Map.of("bootstrap.servers", broker.address());
        try (Admin admin = Admin.create(kafka)) {
            TopicAdmin.apply(admin, Topics.DEFAULT, List.of(Device.CPU), (short) 1);
        }
        try (var producer = new KafkaProducer<>(kafka, new StringSerializer(), new ByteArraySerializer())) {
            for (int i = 0; i < records; i++) {
                producer.send(new ProducerRecord<>(TOPIC, "job " + i, new byte[0]))
                        .get();
            }
        }
        return kafka;
    }

    /** So many records has the group not settled. The broker says nothing of it before it has written down the first. */
    private static void awaitWaiting(Admin admin, long expected) {
        TopicPartition partition = new TopicPartition(TOPIC, 0);
        Awaitility.await("records that wait").atMost(PATIENCE).untilAsserted(() -> {
            var offsets = admin.listShareGroupOffsets(Map.of(TOPIC, new ListShareGroupOffsetsSpec()))
                    .partitionsToOffsetInfo(TOPIC)
                    .get();
            assertThat(offsets.get(partition)).isNotNull();
            assertThat(offsets.get(partition).lag()).hasValue(expected);
        });
    }

    private static LeaseQueue queue(Map<String, Object> kafka) {
        return new LeaseQueue(StageName.PRUNE, Device.CPU, TOPIC, TOPIC, kafka, System::nanoTime);
    }

    private static ConsumerRecord<String, byte[]> next(LeaseQueue queue) throws InterruptedException {
        long endNanos = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() - endNanos < 0) {
            Optional<ConsumerRecord<String, byte[]>> record = queue.poll();
            if (record.isPresent()) {
                return record.get();
            }
        }
        throw new AssertionError("no record came within 30 s");
    }
}
