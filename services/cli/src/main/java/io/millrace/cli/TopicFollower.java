package io.millrace.cli;

import io.millrace.events.Event;
import io.millrace.events.wire.Decoded;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.SchemaTopic;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;

/** Reads a topic from its beginning and goes on as it grows. For one thread. */
public final class TopicFollower<E extends Event> implements AutoCloseable {
    private final Consumer<byte[], byte[]> consumer;
    private final SchemaTopic schemas;
    private final EventCodec codec;
    private final Class<E> kind;

    public TopicFollower(Connection connection, String topic, Class<E> kind) {
        this.consumer = connection.consumer();
        this.schemas = new SchemaTopic(connection.kafka(), connection.topics());
        this.codec = new EventCodec(schemas);
        this.kind = kind;
        List<TopicPartition> partitions = consumer.partitionsFor(topic, Duration.ofSeconds(10)).stream()
                .map(info -> new TopicPartition(topic, info.partition()))
                .toList();
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
    }

    /** The events that came since the last call, waiting this long for the first. */
    public List<E> next(Duration wait) {
        List<E> events = new ArrayList<>();
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(wait)) {
            if (record.value() != null
                    && codec.decode(record.value()) instanceof Decoded.Known known
                    && kind.isInstance(known.event())) {
                events.add(kind.cast(known.event()));
            }
        }
        return events;
    }

    @Override
    public void close() {
        consumer.close();
        schemas.close();
    }
}
