package io.millrace.tests.pipeline;

import io.millrace.events.Event;
import io.millrace.events.wire.Decoded;
import io.millrace.events.wire.EventCodec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** All events of one topic, from its beginning: what a look at the last state of a run would miss. */
final class EventLog implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofMinutes(4);
    private static final Duration POLL = Duration.ofMillis(20);

    private final KafkaConsumer<String, byte[]> consumer;
    private final EventCodec codec = new EventCodec();
    private final List<Event> seen = new ArrayList<>();

    EventLog(String kafka, String topic) {
        Map<String, Object> settings = Map.of("bootstrap.servers", kafka, "isolation.level", "read_committed");
        consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new ByteArrayDeserializer());
        List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                .map(info -> new TopicPartition(info.topic(), info.partition()))
                .toList();
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
    }

    /** Reads on until an event of this kind is like this; the first one that is. */
    <T extends Event> T await(Class<T> kind, Predicate<T> which) {
        readUntil("such a " + kind.getSimpleName(), () -> all(kind).stream().anyMatch(which));
        return all(kind).stream().filter(which).findFirst().orElseThrow();
    }

    /** Reads on to where the topic ends now. */
    void readToEnd() {
        Map<TopicPartition, Long> ends = consumer.endOffsets(consumer.assignment());
        readUntil(
                "the topic's end",
                () -> ends.entrySet().stream().allMatch(end -> consumer.position(end.getKey()) >= end.getValue()));
    }

    private void readUntil(String what, BooleanSupplier enough) {
        long endNanos = System.nanoTime() + PATIENCE.toNanos();
        while (!enough.getAsBoolean()) {
            if (System.nanoTime() - endNanos > 0) {
                throw new AssertionError(what + " did not come within " + PATIENCE.toSeconds() + " s; seen: " + seen);
            }
            consumer.poll(POLL).forEach(record -> {
                if (codec.decode(record.value()) instanceof Decoded.Known(Event event)) {
                    seen.add(event);
                }
            });
        }
    }

    /** Those that were read so far. */
    <T> List<T> all(Class<T> kind) {
        return seen.stream().filter(kind::isInstance).map(kind::cast).toList();
    }

    @Override
    public void close() {
        consumer.close();
    }
}
