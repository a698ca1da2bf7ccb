package io.millrace.client;

import io.millrace.events.ArtifactRef;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Digest;
import io.millrace.events.ModelName;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.EventRecords;
import io.millrace.events.wire.KafkaRefusal;
import io.millrace.events.wire.SchemaTopic;
import io.millrace.events.wire.Topics;
import io.millrace.store.ArtifactStore;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.acl.AclOperation;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Announces checkpoints. When {@link #publish} returns, the broker's in-sync replicas have the event and the store has
 * the manifest; Millrace does the rest. Sending is idempotent, and publishing the same checkpoint twice is one run.
 */
public final class Publisher implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Publisher.class);
    private static final String SOURCE = "millrace/client";

    private final Map<String, Object> kafka;
    private final ArtifactStore store;
    private final Topics topics;
    private final Producer<String, byte[]> producer;
    private final EventRecords records;
    private final InstantSource clock;

    /**
     * @param kafka at least {@code bootstrap.servers}
     * @param prefix of the topics, {@code millrace.} unless the installation chose another
     * @throws IOException if the broker does not answer or the topics are not there
     */
    public Publisher(Map<String, Object> kafka, ArtifactStore store, String prefix)
            throws IOException, InterruptedException {
        this(kafka, store, new Topics(prefix), Connection.producer(kafka, new Topics(prefix)), InstantSource.system());
        try (SchemaTopic schemas = new SchemaTopic(kafka, topics)) {
            schemas.publishOwn();
        }
    }

    Publisher(
            Map<String, Object> kafka,
            ArtifactStore store,
            Topics topics,
            Producer<String, byte[]> producer,
            InstantSource clock) {
        this.kafka = kafka;
        this.store = store;
        this.topics = topics;
        this.producer = producer;
        this.records = new EventRecords(topics, new EventCodec(), SOURCE);
        this.clock = clock;
    }

    /**
     * Publishes the checkpoint in a folder. What people should know of its tokenizer is logged as a warning.
     *
     * @param folder a complete Hugging Face folder on a path that the workers share; it stays there
     * @param version unique within the model
     * @param step training step, 0 if unknown
     * @throws RefusedCheckpointException if the folder is nothing that could be compressed; says why
     */
    public CheckpointPublished publish(Path folder, String model, String version, long step, Map<String, String> labels)
            throws IOException, InterruptedException {
        return publish(folder, new Release(new ModelName(model), version, step, Optional.empty(), labels));
    }

    /** As above, with the checkpoint that this one was trained from. */
    public CheckpointPublished publish(Path folder, Release release) throws IOException, InterruptedException {
        return publish(opened(folder), release, ByteProgress.UNWATCHED);
    }

    /**
     * As above, but the files are copied into the store: the folder may be on this machine alone, and may change or go
     * when this returns. The copy stays as long as the topic of checkpoints knows of it.
     */
    public CheckpointPublished publishCopy(Path folder, Release release) throws IOException, InterruptedException {
        return publishCopy(opened(folder), release, ByteProgress.UNWATCHED);
    }

    private static CheckpointFolder opened(Path folder) throws IOException {
        CheckpointFolder opened = CheckpointFolder.open(folder);
        opened.doubt().ifPresent(LOG::warn);
        return opened;
    }

    /**
     * As {@link #publish(Path, Release)}, of a folder that was opened: its {@link CheckpointFolder#leftOut} says what does
     * not travel, its {@link CheckpointFolder#doubt} what to know of the tokenizer; nothing is logged. An interrupt ends
     * it.
     *
     * @param progress of reading the folder
     */
    public CheckpointPublished publish(CheckpointFolder checkpoint, Release release, ByteProgress progress)
            throws IOException, InterruptedException {
        return announce(checkpoint, checkpoint.register(store, progress), release);
    }

    /**
     * As {@link #publishCopy(Path, Release)}, of a folder that was opened.
     *
     * @param progress of storing its files
     */
    public CheckpointPublished publishCopy(CheckpointFolder checkpoint, Release release, ByteProgress progress)
            throws IOException, InterruptedException {
        return announce(checkpoint, checkpoint.copy(store, progress), release);
    }

    private CheckpointPublished announce(CheckpointFolder checkpoint, ArtifactRef artifact, Release release)
            throws IOException, InterruptedException {
        CheckpointPublished event = new CheckpointPublished(
                release.model(),
                release.version(),
                release.step(),
                artifact,
                checkpoint.numbers(),
                release.parent(),
                release.labels(),
                clock.instant());
        send(records.record(event));
        return event;
    }

    private void send(ProducerRecord<String, byte[]> message) throws IOException, InterruptedException {
        try {
            producer.send(message).get();
        } catch (ExecutionException e) {
            throw new IOException(
                    "topic '" + topics.checkpoints() + "': the checkpoint could not be announced ("
                            + KafkaRefusal.of(e, kafka, AclOperation.WRITE).orElse(String.valueOf(e.getCause()))
                            + "); publish it again, that is one run",
                    e);
        }
    }

    @Override
    public void close() {
        producer.close();
    }

    /**
     * What is said of a checkpoint.
     *
     * @param parent the checkpoint that it was trained from
     */
    public record Release(
            ModelName model, String version, long step, Optional<Digest> parent, Map<String, String> labels) {
        public Release {
            CheckpointPublished.requireVersion(version);
            if (!version.codePoints().allMatch(Release::isPrintable)) {
                throw new IllegalArgumentException(
                        "a version has 1 to 128 characters that can be printed, found '" + version + "'");
            }
            if (step < 0) {
                throw new IllegalArgumentException("the step is " + step + ", expected 0 or more");
            }
            if (labels.containsKey("")) {
                throw new IllegalArgumentException("a label with the value '" + labels.get("") + "' has no name");
            }
            labels = Map.copyOf(labels);
        }

        /** Asked here and not of the event: a conductor has to read what it once accepted. */
        private static boolean isPrintable(int point) {
            return !Character.isISOControl(point) && Character.getType(point) != Character.FORMAT;
        }
    }
}
