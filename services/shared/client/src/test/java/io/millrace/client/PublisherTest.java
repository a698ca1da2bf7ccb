package io.millrace.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.ModelName;
import io.millrace.events.wire.Decoded;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.Topics;
import io.millrace.store.ArtifactStore;
import io.millrace.store.ChangedFileException;
import io.millrace.store.MemoryStore;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** What is announced of a checkpoint, and when nothing is. */
class PublisherTest {
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05.678Z");
    private static final Publisher.Release RELEASE =
            new Publisher.Release(new ModelName("chat"), "step-1", 1, Optional.empty(), Map.of());

    private final MockProducer<String, byte[]> producer =
            new MockProducer<>(true, null, new StringSerializer(), new ByteArraySerializer());

    @TempDir
    Path temp;

    @Test
    void aCheckpointIsAnnouncedWithItsManifestAndNumbers() throws Exception {
        ArtifactStore store = new MemoryStore();
        Path folder = Checkpoints.small(temp.resolve("step-1"));

        CheckpointPublished event;
        try (Publisher publisher = publisher(store)) {
            event = publisher.publish(folder, "chat", "step-1", 1, Map.of("branch", "main"));
        }

        assertThat(event.publishedAt()).isEqualTo(NOW);
        assertThat(event.numbers().parameters()).isEqualTo(8);
        assertThat(store.isComplete(event.artifact())).isTrue();
        assertThat(producer.history()).hasSize(1);
        ProducerRecord<String, byte[]> sent = producer.history().getFirst();
        assertThat(sent.topic()).isEqualTo(Topics.DEFAULT.checkpoints());
        assertThat(sent.key()).isEqualTo("chat");
        assertThat(new EventCodec().decode(sent.value())).isEqualTo(new Decoded.Known(event));
    }

    /** What {@code publish} and {@code publishCopy} name is one checkpoint: its runs are the same. */
    @Test
    void aCheckpointThatIsCopiedNeedsItsFolderNoMore() throws Exception {
        ArtifactStore store = new MemoryStore();
        Path folder = Checkpoints.small(temp.resolve("step-1"));
        byte[] weights = Files.readAllBytes(folder.resolve("model.safetensors"));

        CheckpointPublished stays;
        CheckpointPublished copied;
        try (Publisher publisher = publisher(store)) {
            stays = publisher.publish(folder, RELEASE);
            copied = publisher.publishCopy(folder, RELEASE);
        }
        Files.move(folder, temp.resolve("moved"));

        assertThat(copied.artifact().isInStore()).isTrue();
        assertThat(copied.artifact().manifest()).isEqualTo(stays.artifact().manifest());
        assertThat(store.isComplete(stays.artifact())).isFalse();
        assertThat(store.checkOut(copied.artifact(), temp.resolve("out")).resolve("model.safetensors"))
                .hasBinaryContent(weights);
        assertThat(new EventCodec().decode(producer.history().getLast().value()))
                .isEqualTo(new Decoded.Known(copied));
    }

    @Test
    void aFileThatChangesWhileItIsCopiedAnnouncesNothing() throws Exception {
        Path folder = Checkpoints.small(temp.resolve("step-1"));
        CheckpointFolder opened = CheckpointFolder.open(folder);

        try (Publisher publisher = publisher(new MemoryStore())) {
            assertThatThrownBy(() -> publisher.publishCopy(opened, RELEASE, (done, total) -> rewrite(folder)))
                    .isInstanceOf(ChangedFileException.class)
                    .hasMessageContainingAll("config.json: was written to", "nothing writes to it");
        }

        assertThat(producer.history()).isEmpty();
    }

    @Test
    void aPublisherThatIsInterruptedWhileItReadsAnnouncesNothing() throws Exception {
        CheckpointFolder folder = CheckpointFolder.open(Checkpoints.small(temp.resolve("step-1")));
        List<Long> totals = new ArrayList<>();

        try (Publisher publisher = publisher(new MemoryStore())) {
            assertThatThrownBy(() -> publisher.publish(folder, RELEASE, (done, total) -> {
                        totals.add(total - done);
                        Thread.currentThread().interrupt();
                    }))
                    .isInstanceOf(InterruptedIOException.class);
            assertThat(Thread.interrupted()).isTrue();
            assertThat(producer.history()).isEmpty();

            publisher.publish(folder, RELEASE, (done, total) -> totals.add(total - done));
        }

        assertThat(totals.getLast()).isZero();
        assertThat(producer.history()).hasSize(1);
    }

    @Test
    void aRefusedCheckpointIsNotAnnounced() throws Exception {
        Path folder = Checkpoints.small(temp.resolve("step-1"));
        Files.delete(folder.resolve("config.json"));

        try (Publisher publisher = publisher(new MemoryStore())) {
            assertThatThrownBy(() -> publisher.publish(folder, "chat", "step-1", 1, Map.of()))
                    .isInstanceOf(RefusedCheckpointException.class);
        }

        assertThat(producer.history()).isEmpty();
    }

    /** The version is taken then, and nobody else tells a training program why its runs fail. */
    @Test
    void aMissingTokenizerIsLoggedWhereACheckpointIsPublished() throws Exception {
        Path folder = Checkpoints.small(temp.resolve("step-1"));
        Path tokenizer = folder.resolve("tokenizer.json");
        Files.delete(tokenizer);
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        log.start();
        Logger logger = (Logger) LoggerFactory.getLogger(Publisher.class);
        logger.addAppender(log);

        try (Publisher publisher = publisher(new MemoryStore())) {
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
    void aBrokerThatDoesNotAnswerIsAnErrorWithARemedy() throws Exception {
        producer.sendException = new TimeoutException("too late");
        Path folder = Checkpoints.small(temp.resolve("step-1"));

        try (Publisher publisher = publisher(new MemoryStore())) {
            assertThatThrownBy(() -> publisher.publish(folder, "chat", "step-1", 1, Map.of()))
                    .hasMessageContaining("too late");
        }
    }

    private Publisher publisher(ArtifactStore store) {
        return new Publisher(Map.of(), store, Topics.DEFAULT, producer, InstantSource.fixed(NOW));
    }

    private static void rewrite(Path folder) {
        try {
            Files.writeString(folder.resolve("config.json"), "{}");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
