package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.cli.DoctorCommand.Finding;
import io.millrace.cli.local.EmbeddedBroker;
import io.millrace.events.Device;
import io.millrace.events.wire.TopicAdmin;
import io.millrace.events.wire.Topics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.clients.admin.DescribeTopicsResult;
import org.apache.kafka.clients.admin.ForwardingAdmin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ClusterChecksIT {
    private static final Topics TOPICS = Topics.DEFAULT;

    @TempDir
    static Path folder;

    private static EmbeddedBroker broker;
    private static Admin admin;

    @BeforeAll
    static void start() throws Exception {
        broker = EmbeddedBroker.start(folder.resolve("kafka"), message -> {
            throw new AssertionError(message);
        });
        admin = Admin.create(Map.of("bootstrap.servers", broker.address()));
    }

    @AfterAll
    static void stop() throws IOException {
        admin.close();
        broker.close();
    }

    @BeforeEach
    void topics() throws InterruptedException {
        TopicAdmin.apply(admin, TOPICS, List.of(Device.CPU), (short) 1);
    }

    @Test
    void aServiceWhoseClockIsAheadIsSeenByItsRecords() throws Exception {
        Instant now = Instant.now();
        write(broker.address(), now.plus(Duration.ofMinutes(4)));
        assertThat(ClusterChecks.clocks(admin, TOPICS, now)).matches(Finding::fine);

        write(broker.address(), now.plus(Duration.ofMinutes(17)));

        Finding apart = ClusterChecks.clocks(admin, TOPICS, now);
        assertThat(apart.fine()).isFalse();
        assertThat(apart.found()).contains(TOPICS.jobEvents(), now.toString(), "NTP");
    }

    @Test
    void howLongTheConductorMayBeDownIsSaid() throws Exception {
        Finding offsets = ClusterChecks.offsets(admin);

        assertThat(offsets.fine()).as(offsets.found()).isTrue();
        assertThat(offsets.found()).contains("down for longer than 7 days");
    }

    @Test
    void aTransactionThatNobodyEndsIsNamedWithWhatEndsIt() throws Exception {
        Instant now = Instant.now();
        try (KafkaProducer<String, String> producer = transactional()) {
            producer.initTransactions();
            producer.beginTransaction();
            long offset = producer.send(new ProducerRecord<>(TOPICS.jobEvents(), 3, "model", "event"))
                    .get()
                    .offset();

            assertThat(transactions(now).found()).isEqualTo("none hangs");
            Finding young = transactions(now.plus(Duration.ofMinutes(6)));
            assertThat(young.fine()).isTrue();
            assertThat(young.found())
                    .contains("none hangs yet", "in " + TOPICS.jobEvents() + "-3", "offset " + offset, "15 minutes");
            Finding open = transactions(now.plus(Duration.ofMinutes(20)));

            assertThat(open.fine()).isFalse();
            assertThat(open.found())
                    .contains("in " + TOPICS.jobEvents() + "-3", "abort --topic " + TOPICS.jobEvents())
                    .contains("--partition 3 --start-offset " + offset, broker.address());
            // People at the command line seldom may read the offsets.
            try (Admin refused = withoutOffsets()) {
                assertThat(transactions(refused, now.plus(Duration.ofMinutes(20))))
                        .isEqualTo(open);
            }
        }
        try (KafkaProducer<String, String> next = transactional()) {
            // Ends what the one before left, and waits for it.
            next.initTransactions();
        }
        assertThat(transactions(now.plus(Duration.ofMinutes(20)))).matches(Finding::fine);
        try (Admin refused = withoutOffsets()) {
            assertThat(transactions(refused, now).found())
                    .startsWith(
                            "none hangs in the topics of Millrace; whether one does in __consumer_offsets is not known");
        }
    }

    /** To whom Kafka says nothing of its own topics. */
    private static Admin withoutOffsets() {
        return new ForwardingAdmin(Map.of("bootstrap.servers", broker.address())) {
            @Override
            public DescribeTopicsResult describeTopics(TopicCollection topics, DescribeTopicsOptions options) {
                List<String> names = ((TopicCollection.TopicNameCollection) topics)
                        .topicNames().stream()
                                .map(name -> name.startsWith("__") ? "no name" : name)
                                .toList();
                return super.describeTopics(TopicCollection.ofTopicNames(names), options);
            }
        };
    }

    private static KafkaProducer<String, String> transactional() {
        return new KafkaProducer<>(
                Map.of("bootstrap.servers", broker.address(), "transactional.id", "left-open"),
                new StringSerializer(),
                new StringSerializer());
    }

    private static Finding transactions(Instant now) throws InterruptedException {
        return transactions(admin, now);
    }

    private static Finding transactions(Admin of, Instant now) throws InterruptedException {
        return HangingTransactions.of(of, broker.address(), TOPICS, now);
    }

    @Test
    void aCheckpointWhoseTopicAloneIsMissingIsNotPublishedAndTheRemedyIsSaid() throws Exception {
        Path model = RandomModel.write(Files.createDirectory(folder.resolve("model")));
        Path store = Files.createDirectory(folder.resolve("store"));
        admin.deleteTopics(List.of(TOPICS.checkpoints())).all().get();
        while (!TopicAdmin.present(admin, Set.of(TOPICS.checkpoints())).isEmpty()) {
            // A broker knows of a deleted topic for a moment more.
        }

        Said said = Said.to(
                "publish",
                model.toString(),
                "--model",
                "chat",
                "--version",
                "v1",
                "--kafka",
                broker.address(),
                "--store",
                store.toString());

        assertThat(said.exitCode()).as(said.err()).isEqualTo(ExitCode.UNAVAILABLE);
        assertThat(said.err())
                .contains(
                        broker.address(),
                        "'" + TOPICS.checkpoints() + "'",
                        "run 'millrace topics apply --kafka " + broker.address() + "'");
        assertThat(said.err().lines()).hasSize(1);
        assertThat(TopicAdmin.present(admin, Set.of(TOPICS.checkpoints())))
                .as("made by asking for it")
                .isEmpty();
    }

    @Test
    void aDamagedPolicyIsShownByListAndDoctorUntilItIsDeleted() throws Exception {
        try (var producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", broker.address()), new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>(TOPICS.policies(), "chat", "no policy at all"))
                    .get();
        }
        String remedy = "'millrace policy delete chat'";

        assertThat(Said.to("policy", "list", "--kafka", broker.address()).err()).contains(remedy);
        assertThat(Said.to("doctor", "--kafka", broker.address()).out()).contains(remedy);

        Said said = Said.to("policy", "delete", "chat", "--kafka", broker.address());
        assertThat(said.exitCode()).as(said.err()).isEqualTo(ExitCode.OK);
        assertThat(Said.to("policy", "list", "--kafka", broker.address()).err()).isEmpty();
        assertThat(Said.to("policy", "delete", "chat", "--kafka", broker.address())
                        .err())
                .contains("no policy 'chat'; policies: none");
    }

    private static void write(String address, Instant at) throws Exception {
        try (var producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", address), new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>(TOPICS.jobEvents(), null, at.toEpochMilli(), "key", "value"))
                    .get();
        }
    }
}
