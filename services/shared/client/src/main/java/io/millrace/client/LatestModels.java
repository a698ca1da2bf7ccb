package io.millrace.client;

import io.millrace.events.ModelPublished;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.SchemaTopic;
import io.millrace.events.wire.Topics;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.common.TopicPartition;

/**
 * The newest accepted model of each model, policy and target: what a serving node should run. It reads the compacted
 * topic from its beginning, needs no group, and is not shared between threads.
 */
public final class LatestModels implements AutoCloseable {
    private static final Duration POLL = Duration.ofMillis(500);

    private final Consumer<String, byte[]> consumer;
    private final ModelRecords records;
    private final AutoCloseable schemas;
    private final SortedMap<String, ModelPublished> byTarget = new TreeMap<>();

    /**
     * @param kafka at least {@code bootstrap.servers}
     * @param prefix of the topics
     */
    public LatestModels(Map<String, Object> kafka, String prefix) throws IOException, InterruptedException {
        Topics topics = new Topics(prefix);
        this(Connection.consumer(kafka, topics.modelsLatest()), new SchemaTopic(kafka, topics), topics);
    }

    private LatestModels(Consumer<String, byte[]> consumer, SchemaTopic schemas, Topics topics) {
        this(consumer, new EventCodec(schemas), schemas, topics);
    }

    LatestModels(Consumer<String, byte[]> consumer, EventCodec codec, AutoCloseable schemas, Topics topics) {
        this.consumer = consumer;
        this.records = new ModelRecords(codec);
        this.schemas = schemas;
        List<TopicPartition> partitions = consumer.partitionsFor(topics.modelsLatest()).stream()
                .map(partition -> new TopicPartition(partition.topic(), partition.partition()))
                .toList();
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
    }

    /** Everything up to now: reads until it has seen what was committed when it was called. */
    public Collection<ModelPublished> current() {
        Map<TopicPartition, Long> ends = consumer.endOffsets(consumer.assignment());
        while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
            next(POLL);
        }
        return List.copyOf(byTarget.values());
    }

    /** The models that became the newest of their target since the last call; none if the time ran out. */
    public List<ModelPublished> next(Duration timeout) {
        List<ModelPublished> changed = new ArrayList<>();
        records.readAll(consumer, consumer.poll(timeout), message -> {
            if (message.value() == null) {
                byTarget.remove(message.key());
            } else {
                records.read(message).ifPresent(model -> {
                    byTarget.put(message.key(), model);
                    changed.add(model);
                });
            }
        });
        return changed;
    }

    @Override
    public void close() throws IOException {
        Closing.close(consumer, schemas);
    }
}
