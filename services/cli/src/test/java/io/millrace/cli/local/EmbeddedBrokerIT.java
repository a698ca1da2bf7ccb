package io.millrace.cli.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.record.internal.FileLogInputStream.FileChannelRecordBatch;
import org.apache.kafka.common.record.internal.FileRecords;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class EmbeddedBrokerIT {
    private static final String TOPIC = "kept";
    private static final int TRANSACTION_PARTITIONS = 3;
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(30);

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

    /** The end of a transaction is decided first and marked in its partitions then; a kill may come between the two. */
    @Test
    void aTransactionThatWasDecidedBeforeAKillIsReadAfterIt() throws Exception {
        Path killed = folder.resolve("killed");
        try (EmbeddedBroker broker = EmbeddedBroker.start(folder.resolve("first"), EmbeddedBrokerIT::failOnFatal)) {
            commit(broker.address());
            copy(folder.resolve("first"), killed);
        }
        assertThat(cutLastBatch(killed.resolve(TOPIC + "-0"))).as("a mark").isTrue();
        for (int partition = 0; partition < TRANSACTION_PARTITIONS; partition++) {
            cutLastBatch(killed.resolve("__transaction_state-" + partition));
        }

        try (EmbeddedBroker broker = EmbeddedBroker.start(killed, EmbeddedBrokerIT::failOnFatal)) {
            assertThat(read(broker.address())).containsExactly("value");
        }
    }

    /** Sends a record and returns when the broker has written the mark and noted that. */
    private static void commit(String address) throws Exception {
        createTopic(address);
        String transaction = "decided";
        try (var producer = new KafkaProducer<>(
                        Map.of("bootstrap.servers", address, "transactional.id", transaction),
                        new StringSerializer(),
                        new StringSerializer());
                Admin admin = Admin.create(Map.of("bootstrap.servers", address))) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(TOPIC, "key", "value"));
            producer.commitTransaction();
            long deadline = System.nanoTime() + LONGEST_WAIT.toNanos();
            while (admin.describeTransactions(List.of(transaction))
                            .description(transaction)
                            .get()
                            .state()
                    != TransactionState.COMPLETE_COMMIT) {
                assertThat(System.nanoTime()).as("marked in time").isLessThan(deadline);
            }
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> all = Files.walk(from)) {
            for (Path path : all.toList()) {
                Files.copy(path, to.resolve(from.relativize(path)));
            }
        }
    }

    /** Takes the last batch away, if there is one; whether it was a mark. */
    private static boolean cutLastBatch(Path log) throws IOException {
        try (FileRecords records =
                FileRecords.open(log.resolve("00000000000000000000.log").toFile())) {
            FileChannelRecordBatch last = null;
            for (FileChannelRecordBatch batch : records.batches()) {
                last = batch;
            }
            if (last == null) {
                return false;
            }
            boolean mark = last.isControlBatch();
            records.truncateTo(last.position());
            return mark;
        }
    }

    private static void failOnFatal(String message) {
        throw new AssertionError(message);
    }

    private static void write(String address) throws Exception {
        createTopic(address);
        Map<String, Object> settings = Map.of("bootstrap.servers", address);
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>(TOPIC, "key", "value")).get();
        }
    }

    private static void createTopic(String address) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", address))) {
            admin.createTopics(List.of(new NewTopic(TOPIC, 1, (short) 1))).all().get();
        }
    }

    private static List<String> read(String address) {
        Map<String, Object> settings = Map.of("bootstrap.servers", address, "isolation.level", "read_committed");
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            List<TopicPartition> partition = List.of(new TopicPartition(TOPIC, 0));
            consumer.assign(partition);
            consumer.seekToBeginning(partition);
            List<String> values = List.of();
            long deadline = System.nanoTime() + LONGEST_WAIT.toNanos();
            while (values.isEmpty() && System.nanoTime() < deadline) {
                values = consumer.poll(Duration.ofMillis(100)).records(partition.getFirst()).stream()
                        .map(ConsumerRecord::value)
                        .toList();
            }
            return values;
        }
    }
}
