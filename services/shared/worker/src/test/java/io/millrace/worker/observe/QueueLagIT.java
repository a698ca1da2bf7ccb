package io.millrace.worker.observe;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.millrace.events.Device;
import io.millrace.events.StageName;
import io.millrace.events.wire.TopicAdmin;
import io.millrace.events.wire.Topics;
import io.millrace.worker.EmbeddedBroker;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The lag of a share group, against a real broker. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class QueueLagIT {
    private static final Device GPU = new Device("h100");
    private static final String TOPIC = Topics.DEFAULT.jobs(StageName.QUANTIZE, GPU);
    private static final int JOBS = 5;

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();

    @TempDir
    Path folder;

    @Test
    void lagIsWhatNoWorkerHasFinished() throws Exception {
        try (EmbeddedBroker broker = EmbeddedBroker.start(folder)) {
            Map<String, Object> kafka = Map.of("bootstrap.servers", broker.address());
            try (Admin admin = Admin.create(kafka);
                    QueueLag lag = new QueueLag(kafka, Topics.DEFAULT, registry)) {
                TopicAdmin.apply(admin, Topics.DEFAULT, List.of(Device.CPU, GPU), (short) 1);
                send(kafka);

                lag.refresh();
                assertThat(lagOf(StageName.QUANTIZE, GPU))
                        .as("no worker came yet")
                        .isEqualTo(JOBS);
                assertThat(lagOf(StageName.QUANTIZE, Device.CPU)).isZero();

                finish(kafka, 2);
                lag.refresh();
                assertThat(lagOf(StageName.QUANTIZE, GPU)).isEqualTo(JOBS - 2);

                finish(kafka, JOBS - 2);
                lag.refresh();
                assertThat(lagOf(StageName.QUANTIZE, GPU)).isZero();
            }
        }
    }

    /** Whoever scales workers to zero waits for this zero. The marker of a transaction is a record that no worker gets. */
    @Test
    void nothingIsLeftOfAQueueWhoseLastRecordIsTheMarkerOfATransaction() throws Exception {
        try (EmbeddedBroker broker = EmbeddedBroker.start(folder)) {
            Map<String, Object> kafka = Map.of("bootstrap.servers", broker.address());
            try (Admin admin = Admin.create(kafka);
                    QueueLag lag = new QueueLag(kafka, Topics.DEFAULT, registry)) {
                TopicAdmin.apply(admin, Topics.DEFAULT, List.of(GPU), (short) 1);
                sendInTransactions(kafka, 2);
                lag.refresh();
                assertThat(lagOf(StageName.QUANTIZE, GPU)).isPositive();

                finish(kafka, 2);
                try (var worker = worker(kafka)) {
                    for (int polls = 0; polls < 200 && lagOf(StageName.QUANTIZE, GPU) > 0; polls++) {
                        assertThat(worker.poll(Duration.ofMillis(50))).isEmpty();
                        lag.refresh();
                    }
                }

                assertThat(lagOf(StageName.QUANTIZE, GPU)).isZero();
            }
        }
    }

    private static void sendInTransactions(Map<String, Object> kafka, int jobs) {
        Map<String, Object> settings = new HashMap<>(kafka);
        settings.put("transactional.id", "conductor");
        try (var producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            producer.initTransactions();
            for (int i = 0; i < jobs; i++) {
                producer.beginTransaction();
                var _ = producer.send(new ProducerRecord<>(TOPIC, new byte[1]));
                producer.commitTransaction();
            }
        }
    }

    private double lagOf(StageName stage, Device device) {
        return registry.get("millrace.queue.lag")
                .tags("stage", stage.wireName(), "device", device.name())
                .gauge()
                .value();
    }

    private static void send(Map<String, Object> kafka) throws Exception {
        try (var producer = new KafkaProducer<>(kafka, new ByteArraySerializer(), new ByteArraySerializer())) {
            for (int i = 0; i < JOBS; i++) {
                producer.send(new ProducerRecord<>(TOPIC, new byte[1])).get();
            }
        }
    }

    private static void finish(Map<String, Object> kafka, int jobs) {
        try (var worker = worker(kafka)) {
            for (int done = 0; done < jobs; ) {
                for (ConsumerRecord<byte[], byte[]> job : worker.poll(Duration.ofMillis(50))) {
                    worker.acknowledge(job, AcknowledgeType.ACCEPT);
                    worker.commitSync();
                    done++;
                }
            }
        }
    }

    private static KafkaShareConsumer<byte[], byte[]> worker(Map<String, Object> kafka) {
        Map<String, Object> settings = new HashMap<>(kafka);
        settings.put("group.id", Topics.DEFAULT.shareGroup(StageName.QUANTIZE, GPU));
        settings.put("share.acknowledgement.mode", "explicit");
        settings.put("share.acquire.mode", "record_limit");
        settings.put("max.poll.records", 1);
        var worker = new KafkaShareConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        worker.subscribe(List.of(TOPIC));
        return worker;
    }
}
