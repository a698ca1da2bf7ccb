package io.millrace.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.millrace.events.ArtifactRef;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Decision;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.ModelName;
import io.millrace.events.ModelPublished;
import io.millrace.events.RunId;
import io.millrace.events.wire.Decoded;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.EventRecords;
import io.millrace.events.wire.Topics;
import io.millrace.store.ArtifactStore;
import io.millrace.store.ChangedFileException;
import io.millrace.store.DamagedFileException;
import io.millrace.store.FolderStore;
import io.millrace.store.MemoryStore;
import io.millrace.store.PartialFolder;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

class ClientTest {
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05.678Z");
    private static final Topics TOPICS = Topics.DEFAULT;
    private static final TopicPartition MODELS = new TopicPartition(TOPICS.models(), 0);
    private static final TopicPartition LATEST = new TopicPartition(TOPICS.modelsLatest(), 0);

    private final EventCodec codec = new EventCodec();
    private final EventRecords records = new EventRecords(TOPICS, codec, "millrace/test");

    @TempDir
    Path temp;

    @Test
    void aCheckpointIsAnnouncedWithItsManifestAndNumbers() throws Exception {
        MockProducer<String, byte[]> producer =
                new MockProducer<>(true, null, new StringSerializer(), new ByteArraySerializer());
        ArtifactStore store = new MemoryStore();
        Path folder = Checkpoints.small(temp.resolve("step-1"));

        CheckpointPublished event;
        try (Publisher publisher = new Publisher(Map.of(), store, TOPICS, producer, InstantSource.fixed(NOW))) {
            event = publisher.publish(folder, "chat", "step-1", 1, Map.of("branch", "main"));
        }

        assertThat(event.publishedAt()).isEqualTo(NOW);
        assertThat(event.numbers().parameters()).isEqualTo(8);
        assertThat(store.isComplete(event.artifact())).isTrue();
        assertThat(producer.history()).hasSize(1);
        ProducerRecord<String, byte[]> sent = producer.history().getFirst();
        assertThat(sent.topic()).isEqualTo(TOPICS.checkpoints());
        assertThat(sent.key()).isEqualTo("chat");
        assertThat(codec.decode(sent.value())).isEqualTo(new Decoded.Known(event));
    }

    /** What {@code publish} and {@code publishCopy} name is one checkpoint: its runs are the same. */
    @Test
    void aCheckpointThatIsCopiedNeedsItsFolderNoMore() throws Exception {
        MockProducer<String, byte[]> producer =
                new MockProducer<>(true, null, new StringSerializer(), new ByteArraySerializer());
        ArtifactStore store = new MemoryStore();
        Path folder = Checkpoints.small(temp.resolve("step-1"));
        byte[] weights = Files.readAllBytes(folder.resolve("model.safetensors"));
        Publisher.Release release =
                new Publisher.Release(new ModelName("chat"), "step-1", 1, Optional.empty(), Map.of());

        CheckpointPublished stays;
        CheckpointPublished copied;
        try (Publisher publisher = new Publisher(Map.of(), store, TOPICS, producer, InstantSource.fixed(NOW))) {
            stays = publisher.publish(folder, release);
            copied = publisher.publishCopy(folder, release);
        }
        Files.move(folder, temp.resolve("moved"));

        assertThat(copied.artifact().isInStore()).isTrue();
        assertThat(copied.artifact().manifest()).isEqualTo(stays.artifact().manifest());
        assertThat(store.isComplete(stays.artifact())).isFalse();
        assertThat(store.checkOut(copied.artifact(), temp.resolve("out")).resolve("model.safetensors"))
                .hasBinaryContent(weights);
        assertThat(codec.decode(producer.history().getLast().value())).isEqualTo(new Decoded.Known(copied));
    }

    @Test
    void aFileThatChangesWhileItIsCopiedAnnouncesNothing() throws Exception {
        MockProducer<String, byte[]> producer =
                new MockProducer<>(true, null, new StringSerializer(), new ByteArraySerializer());
        Path folder = Checkpoints.small(temp.resolve("step-1"));
        CheckpointFolder opened = CheckpointFolder.open(folder);
        Publisher.Release release =
                new Publisher.Release(new ModelName("chat"), "step-1", 1, Optional.empty(), Map.of());

        try (Publisher publisher =
                new Publisher(Map.of(), new MemoryStore(), TOPICS, producer, InstantSource.fixed(NOW))) {
            assertThatThrownBy(() -> publisher.publishCopy(opened, release, (done, total) -> rewrite(folder)))
                    .isInstanceOf(ChangedFileException.class)
                    .hasMessageContainingAll("config.json: was written to", "nothing writes to it");
        }

        assertThat(producer.history()).isEmpty();
    }

    private static void rewrite(Path folder) {
        try {
            Files.writeString(folder.resolve("config.json"), "{}");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The version is taken then, and nobody else tells a training program why its runs fail. */
    @Test
    void aMissingTokenizerIsLoggedWhereACheckpointIsPublished() throws Exception {
        MockProducer<String, byte[]> producer =
                new MockProducer<>(true, null, new StringSerializer(), new ByteArraySerializer());
        Path folder = Checkpoints.small(temp.resolve("step-1"));
        Path tokenizer = folder.resolve("tokenizer.json");
        Files.delete(tokenizer);
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        log.start();
        Logger logger = (Logger) LoggerFactory.getLogger(Publisher.class);
        logger.addAppender(log);

        try (Publisher publisher =
                new Publisher(Map.of(), new MemoryStore(), TOPICS, producer, InstantSource.fixed(NOW))) {
            publisher.publish(folder, "chat", "step-1", 1, Map.of());
        } finally {
            logger.detachAppender(log);
        }

        assertThat(producer.history()).hasSize(1);
        assertThat(log.list).singleElement().satisfies(event -> {
            assertThat(event.getLevel()).isEqualTo(Level.WARN);
            assertThat(event.getFormattedMessage()).startsWith(tokenizer + ": is missing");
        });
    }

    @Test
    void aRefusedCheckpointIsNotAnnounced() throws Exception {
        MockProducer<String, byte[]> producer =
                new MockProducer<>(true, null, new StringSerializer(), new ByteArraySerializer());
        Path folder = Checkpoints.small(temp.resolve("step-1"));
        Files.delete(folder.resolve("config.json"));

        try (Publisher publisher =
                new Publisher(Map.of(), new MemoryStore(), TOPICS, producer, InstantSource.fixed(NOW))) {
            assertThatThrownBy(() -> publisher.publish(folder, "chat", "step-1", 1, Map.of()))
                    .isInstanceOf(RefusedCheckpointException.class);
        }

        assertThat(producer.history()).isEmpty();
    }

    @Test
    void aBrokerThatDoesNotAnswerIsAnErrorWithARemedy() throws Exception {
        MockProducer<String, byte[]> producer =
                new MockProducer<>(true, null, new StringSerializer(), new ByteArraySerializer());
        producer.sendException = new TimeoutException("too late");
        Path folder = Checkpoints.small(temp.resolve("step-1"));

        try (Publisher publisher =
                new Publisher(Map.of(), new MemoryStore(), TOPICS, producer, InstantSource.fixed(NOW))) {
            assertThatThrownBy(() -> publisher.publish(folder, "chat", "step-1", 1, Map.of()))
                    .hasMessageContaining("too late");
        }
    }

    @Test
    void aModelCountsAsReceivedWhenTheNextAreAskedFor() throws Exception {
        MockConsumer<String, byte[]> consumer = new MockConsumer<>("earliest");
        AtomicInteger closed = new AtomicInteger();
        ModelPublished first = model("v1", "phone");
        ModelPublished second = model("v2", "phone");

        try (ModelSubscriber subscriber = new ModelSubscriber(consumer, codec, closed::incrementAndGet, TOPICS)) {
            consumer.rebalance(List.of(MODELS));
            consumer.updateBeginningOffsets(Map.of(MODELS, 0L));
            add(consumer, MODELS, 0, "chat", records.record(first).value());
            add(consumer, MODELS, 1, "chat", "not an event".getBytes(StandardCharsets.UTF_8));

            assertThat(subscriber.poll(Duration.ZERO)).containsExactly(first);
            assertThat(consumer.committed(Set.of(MODELS)).get(MODELS)).isNull();
            add(consumer, MODELS, 2, "chat", null);
            add(consumer, MODELS, 3, "chat", records.record(second).value());
            assertThat(subscriber.poll(Duration.ZERO)).containsExactly(second);

            assertThat(consumer.committed(Set.of(MODELS)).get(MODELS)).isEqualTo(new OffsetAndMetadata(2));
        }
        assertThat(consumer.closed()).isTrue();
        assertThat(closed).hasValue(1);
    }

    /** What it had received by then does not come again. */
    @Test
    void forEachEndsWhenItIsStopped() throws Exception {
        MockConsumer<String, byte[]> consumer = new MockConsumer<>("earliest");
        List<ModelPublished> received = new ArrayList<>();

        ModelPublished first = model("v1", "phone");

        try (ModelSubscriber subscriber = new ModelSubscriber(consumer, codec, () -> {}, TOPICS)) {
            consumer.schedulePollTask(() -> {
                consumer.rebalance(List.of(MODELS));
                consumer.updateBeginningOffsets(Map.of(MODELS, 0L));
                add(consumer, MODELS, 0, "chat", records.record(first).value());
            });

            subscriber.forEach(model -> {
                received.add(model);
                subscriber.stop();
            });

            assertThat(consumer.committed(Set.of(MODELS)).get(MODELS)).isEqualTo(new OffsetAndMetadata(1));
        }

        assertThat(received).containsExactly(first);
    }

    /** Asked for with an empty hand, a broker that is away would end the subscriber after a minute. */
    @Test
    void aSubscriberWithNothingToCommitAsksNoBroker() throws Exception {
        AtomicInteger commits = new AtomicInteger();
        MockConsumer<String, byte[]> consumer = new MockConsumer<>("earliest") {
            @Override
            public synchronized void commitSync() {
                commits.incrementAndGet();
                super.commitSync();
            }
        };

        try (ModelSubscriber subscriber = new ModelSubscriber(consumer, codec, () -> {}, TOPICS)) {
            consumer.rebalance(List.of(MODELS));
            consumer.updateBeginningOffsets(Map.of(MODELS, 0L));
            subscriber.poll(Duration.ZERO);
            subscriber.poll(Duration.ZERO);
            assertThat(commits).hasValue(0);

            add(
                    consumer,
                    MODELS,
                    0,
                    "chat",
                    records.record(model("v1", "phone")).value());
            subscriber.poll(Duration.ZERO);
            subscriber.poll(Duration.ZERO);
            subscriber.poll(Duration.ZERO);
            assertThat(commits).hasValue(1);
        }
    }

    @Test
    void aBrokerThatDoesNotAnswerForAWhileEndsNoSubscriber() throws Exception {
        MockConsumer<String, byte[]> consumer = new MockConsumer<>("earliest");
        ModelPublished first = model("v1", "phone");
        List<ModelPublished> received = new ArrayList<>();

        try (ModelSubscriber subscriber = new ModelSubscriber(consumer, codec, () -> {}, TOPICS)) {
            consumer.rebalance(List.of(MODELS));
            consumer.updateBeginningOffsets(Map.of(MODELS, 0L));
            consumer.setPollException(new TimeoutException("away"));
            add(consumer, MODELS, 0, "chat", records.record(first).value());

            subscriber.forEach(model -> {
                received.add(model);
                subscriber.stop();
            });
        }

        assertThat(received).containsExactly(first);
    }

    /** The schema of a newer version is asked for; while Kafka does not answer, nothing is known of the record. */
    @Test
    void aModelWhoseSchemaCannotBeAskedForComesAgain() throws Exception {
        AtomicBoolean away = new AtomicBoolean(true);
        EventCodec asking = new EventCodec(_ -> {
            if (away.get()) {
                throw new TimeoutException("away");
            }
            return Optional.empty();
        });
        byte[] newer = records.record(model("v2", "phone")).value().clone();
        newer[5] ^= 1; // in the fingerprint of its schema
        MockConsumer<String, byte[]> consumer = new MockConsumer<>("earliest");

        try (ModelSubscriber subscriber = new ModelSubscriber(consumer, asking, () -> {}, TOPICS)) {
            consumer.rebalance(List.of(MODELS));
            consumer.updateBeginningOffsets(Map.of(MODELS, 0L));
            byte[] known = records.record(model("v1", "phone")).value();
            add(consumer, MODELS, 0, "chat", known);
            add(consumer, MODELS, 1, "chat", newer);
            assertThatThrownBy(() -> subscriber.poll(Duration.ZERO)).isInstanceOf(TimeoutException.class);
            assertThat(consumer.position(MODELS)).isZero();

            away.set(false);
            add(consumer, MODELS, 0, "chat", known);
            add(consumer, MODELS, 1, "chat", newer);
            assertThat(subscriber.poll(Duration.ZERO)).containsExactly(model("v1", "phone"));
        }
    }

    @Test
    void theNewestOfEachTargetIsKeptAndATombstoneTakesItAway() throws Exception {
        MockConsumer<String, byte[]> consumer = new MockConsumer<>("earliest");
        consumer.updatePartitions(
                LATEST.topic(), List.of(new PartitionInfo(LATEST.topic(), 0, Node.noNode(), new Node[0], new Node[0])));
        consumer.updateBeginningOffsets(Map.of(LATEST, 0L));
        consumer.updateEndOffsets(Map.of(LATEST, 3L));

        try (LatestModels latest = new LatestModels(consumer, codec, () -> {}, TOPICS)) {
            add(
                    consumer,
                    LATEST,
                    0,
                    "phone",
                    records.latest(model("v1", "phone")).value());
            add(consumer, LATEST, 1, "gpu", records.latest(model("v1", "gpu")).value());
            add(
                    consumer,
                    LATEST,
                    2,
                    "phone",
                    records.latest(model("v2", "phone")).value());

            assertThat(latest.current()).containsExactly(model("v1", "gpu"), model("v2", "phone"));

            add(consumer, LATEST, 3, "gpu", null);
            add(
                    consumer,
                    LATEST,
                    4,
                    "phone",
                    records.latest(model("v3", "phone")).value());
            consumer.updateEndOffsets(Map.of(LATEST, 5L));
            assertThat(latest.next(Duration.ZERO)).containsExactly(model("v3", "phone"));
            assertThat(latest.current()).containsExactly(model("v3", "phone"));
        }
    }

    @Test
    void aModelIsPulledWholeOrNotAtAll() throws Exception {
        FolderStore store = FolderStore.open(temp.resolve("store"));
        Path made = Files.createDirectories(temp.resolve("made"));
        Files.writeString(made.resolve("model.gguf"), "weights");
        Files.writeString(Files.createDirectories(made.resolve("sub")).resolve("report.json"), "{}");
        ModelPublished model = model("v1", "phone", store.publishFolder(made, new TreeMap<>()));

        Path killed = Files.createDirectories(temp.resolve("models/.v1.partial/files"));
        Files.writeString(killed.resolve("model.gguf"), "wei");

        Path pulled = ModelFiles.pull(store, model, temp.resolve("models/v1"));

        assertThat(pulled.resolve("model.gguf")).hasContent("weights");
        assertThat(pulled.resolve("sub/report.json")).hasContent("{}");
        assertThatThrownBy(() -> ModelFiles.pull(store, model, pulled))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("is not empty");
        try (PartialFolder other = PartialFolder.of(temp.resolve("models/v2")).orElseThrow()) {
            assertThatThrownBy(() -> ModelFiles.pull(store, model, temp.resolve("models/v2")))
                    .hasMessageContaining("another pull fills it");
            assertThat(other.files()).exists();
        }

        String digest = Digest.of("weights").hex();
        Path blob = temp.resolve("store/blobs").resolve(digest.substring(0, 2)).resolve(digest);
        Files.delete(blob);
        Files.writeString(blob, "WEIGHTS");
        assertThatThrownBy(() -> ModelFiles.pull(store, model, temp.resolve("models/v2")))
                .isInstanceOf(DamagedFileException.class);
        try (var left = Files.list(temp.resolve("models"))) {
            assertThat(left).containsExactly(pulled);
        }
    }

    @Test
    void whoeverWatchesAPullSeesEachByteAndMayStopIt() throws Exception {
        FolderStore store = FolderStore.open(temp.resolve("store"));
        Path made = Files.createDirectories(temp.resolve("made"));
        Files.writeString(made.resolve("model.gguf"), "weights");
        Files.writeString(made.resolve("report.json"), "{}");
        ModelPublished model = model("v1", "phone", store.publishFolder(made, new TreeMap<>()));
        Path models = Files.createDirectory(temp.resolve("models"));
        List<Long> seen = new ArrayList<>();

        Path pulled = ModelFiles.pull(store, model, models.resolve("v1"), (done, total) -> {
            assertThat(total).isEqualTo(9);
            seen.add(done);
        });

        assertThat(seen).containsExactly(7L, 9L);
        assertThat(Files.getPosixFilePermissions(pulled)).isEqualTo(Files.getPosixFilePermissions(models));

        assertThatThrownBy(() -> ModelFiles.pull(
                        store,
                        model,
                        models.resolve("v2"),
                        (_, _) -> Thread.currentThread().interrupt()))
                .isInstanceOf(IOException.class);
        assertThat(Thread.interrupted()).isTrue();
        try (var left = Files.list(models)) {
            assertThat(left).containsExactly(pulled);
        }
    }

    @Test
    void aPublisherThatIsInterruptedWhileItReadsAnnouncesNothing() throws Exception {
        MockProducer<String, byte[]> producer =
                new MockProducer<>(true, null, new StringSerializer(), new ByteArraySerializer());
        CheckpointFolder folder = CheckpointFolder.open(Checkpoints.small(temp.resolve("step-1")));
        Publisher.Release release =
                new Publisher.Release(new ModelName("chat"), "step-1", 1, Optional.empty(), Map.of());
        List<Long> totals = new ArrayList<>();

        try (Publisher publisher =
                new Publisher(Map.of(), new MemoryStore(), TOPICS, producer, InstantSource.fixed(NOW))) {
            assertThatThrownBy(() -> publisher.publish(folder, release, (done, total) -> {
                        totals.add(total - done);
                        Thread.currentThread().interrupt();
                    }))
                    .isInstanceOf(InterruptedIOException.class);
            assertThat(Thread.interrupted()).isTrue();
            assertThat(producer.history()).isEmpty();

            publisher.publish(folder, release, (done, total) -> totals.add(total - done));
        }

        assertThat(totals.getLast()).isZero();
        assertThat(producer.history()).hasSize(1);
    }

    private static void add(
            MockConsumer<String, byte[]> consumer,
            TopicPartition partition,
            long offset,
            String key,
            byte @Nullable [] value) {
        consumer.addRecord(new ConsumerRecord<>(partition.topic(), partition.partition(), offset, key, value));
    }

    private ModelPublished model(String version, String target) throws IOException {
        return model(version, target, ArtifactRef.inStore(Digest.of(version + target)));
    }

    private ModelPublished model(String version, String target, ArtifactRef artifact) throws IOException {
        CheckpointFolder folder = CheckpointFolder.open(Checkpoints.small(temp.resolve("source")));
        CheckpointPublished source = new CheckpointPublished(
                new ModelName("chat"),
                version,
                1,
                ArtifactRef.inStore(Digest.of(version)),
                folder.numbers(),
                Optional.empty(),
                Map.of(),
                NOW);
        return new ModelPublished(
                new RunId(Digest.of(version + target)),
                source.model(),
                version,
                "policy",
                target,
                Device.CPU,
                artifact,
                "gguf",
                "Q4_K_M",
                source,
                "quantize(gguf Q4_K_M)",
                0,
                new Decision.Accepted(List.of(), List.of()),
                7,
                16,
                NOW);
    }
}
