package io.millrace.cli.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

final class EmbeddedBrokerIT {
    private static final String TOPIC = "kept";

    @TempDir
    Path folder;

    @Test
    void recordsOutliveARestartOnOtherPorts() throws Exception {
        String firstAddress;
        try (EmbeddedBroker broker = EmbeddedBroker.start(folder, EmbeddedBrokerIT::failOnFatal)) {
            firstAddress = broker.address();
            write(broker.address());
            assertThat(folder.resolve("broker.ports"))
                    .content()
                    .isEqualTo(firstAddress.substring(firstAddress.indexOf(':') + 1) + "\n");
        }
        assertThat(folder.resolve("broker.ports")).doesNotExist();

        try (EmbeddedBroker broker = EmbeddedBroker.start(folder, EmbeddedBrokerIT::failOnFatal)) {
            assertThat(broker.address()).isNotEqualTo(firstAddress);
            assertThat(read(broker.address())).containsExactly("value");
        }
    }

    @Test
    void aSecondBrokerOnTheSameFolderIsRefusedInPlainWords() throws Exception {
        try (EmbeddedBroker _ = EmbeddedBroker.start(folder, EmbeddedBrokerIT::failOnFatal)) {
            assertThatThrownBy(() -> EmbeddedBroker.start(folder, EmbeddedBrokerIT::failOnFatal))
                    .isInstanceOf(FolderInUseException.class)
                    .hasMessageContaining("another Millrace uses this folder: " + folder);
        }
    }

    /** Kafka would wait five minutes for the thread that is dead. */
    @Test
    @Timeout(120)
    void aBrokerThatFellIsToldOfAndDoesNotHoldUpTheEnd() throws Exception {
        CompletableFuture<String> fatal = new CompletableFuture<>();
        try (EmbeddedBroker _ = EmbeddedBroker.start(folder, fatal::complete)) {
            // Whatever it writes next fails, as on a full disk.
            Thread.getAllStackTraces().keySet().stream()
                    .filter(thread -> thread.getName().equals("kafka-1-raft-io-thread"))
                    .forEach(Thread::interrupt);

            assertThat(fatal.join()).contains("the embedded Kafka broker met a fatal fault");
        }
        assertThat(folder.resolve("broker.ports"))
                .as("what sends others to the port it had")
                .exists();
    }

    @Test
    void aFullDiskIsNamed() {
        assertThat(EmbeddedBroker.fullDisk(folder, 100_000))
                .contains(folder.toString(), "is full (100000 bytes free)", "make room there");
        assertThat(EmbeddedBroker.fullDisk(folder, 1 << 30)).isEmpty();
    }

    private static void failOnFatal(String message) {
        throw new AssertionError(message);
    }

    private static void write(String address) throws Exception {
        Map<String, Object> settings = Map.of("bootstrap.servers", address);
        try (Admin admin = Admin.create(settings)) {
            admin.createTopics(List.of(new NewTopic(TOPIC, 1, (short) 1))).all().get();
        }
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>(TOPIC, "key", "value")).get();
        }
    }

    private static List<String> read(String address) {
        Map<String, Object> settings = Map.of("bootstrap.servers", address, "auto.offset.reset", "earliest");
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            List<TopicPartition> partition = List.of(new TopicPartition(TOPIC, 0));
            consumer.assign(partition);
            consumer.seekToBeginning(partition);
            List<String> values = List.of();
            long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
            while (values.isEmpty() && System.nanoTime() < deadline) {
                values = consumer.poll(Duration.ofMillis(100)).records(partition.getFirst()).stream()
                        .map(ConsumerRecord::value)
                        .toList();
            }
            return values;
        }
    }
}
