package io.millrace.cli;

import io.millrace.events.Event;
import io.millrace.events.wire.Decoded;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.SchemaTopic;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.utils.Utils;

/** Reads topics whole, from their first record to what was committed when the reading began. For one thread. */
final class TopicReader implements AutoCloseable {
    private static final Duration POLL = Duration.ofMillis(100);
    private static final Duration SILENCE = Duration.ofSeconds(30);

    private final Connection connection;
    private final Consumer<byte[], byte[]> consumer;
    private final SchemaTopic schemas;
    private final EventCodec codec;

    TopicReader(Connection connection) {
        this.connection = connection;
        this.consumer = connection.consumer();
        this.schemas = new SchemaTopic(connection.kafka(), connection.topics());
        this.codec = new EventCodec(schemas);
    }

    /** The events of this kind, in the order of each partition. */
    <E extends Event> List<E> events(String topic, Class<E> kind) {
        List<E> events = new ArrayList<>();
        for (ConsumerRecord<byte[], byte[]> record : records(topic)) {
            event(record, kind).ifPresent(events::add);
        }
        return events;
    }

    /** The last event of each key that was not deleted. */
    <E extends Event> List<E> latest(String topic, Class<E> kind) {
        Map<String, E> byKey = new LinkedHashMap<>();
        for (ConsumerRecord<byte[], byte[]> record : records(topic)) {
            String key = new String(record.key(), StandardCharsets.UTF_8);
            if (record.value() == null) {
                byKey.remove(key);
            } else {
                event(record, kind).ifPresent(event -> byKey.put(key, event));
            }
        }
        return List.copyOf(byKey.values());
    }

    /** What the policies' topic says; unlike {@link #latest} it also tells whose last record is none. */
    PolicyBook policies() {
        return PolicyBook.of(records(connection.topics().policies()), codec);
    }

    /**
     * Every event that was written before this call, also in transactions that are still open then: it waits for their
     * end. For whoever must not miss one.
     */
    List<Event> every(String topic) {
        return everyRecord(topic).stream()
                .flatMap(record -> eventOrFail(record).stream())
                .toList();
    }

    /** The last event of each key that was not deleted, of all that {@link #every} gives. */
    List<Event> everyLatest(String topic) {
        Map<String, Optional<Event>> byKey = new LinkedHashMap<>();
        for (ConsumerRecord<byte[], byte[]> record : everyRecord(topic)) {
            byKey.put(new String(record.key(), StandardCharsets.UTF_8), eventOrFail(record));
        }
        return byKey.values().stream().flatMap(Optional::stream).toList();
    }

    private List<ConsumerRecord<byte[], byte[]>> everyRecord(String topic) {
        List<TopicPartition> partitions = partitions(topic);
        Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
        partitions.forEach(partition -> latest.put(partition, OffsetSpec.latest()));
        Map<TopicPartition, Long> ends = new HashMap<>();
        // This consumer's own ends are those before the first open transaction.
        try (Admin admin = connection.admin()) {
            admin.listOffsets(latest).all().get().forEach((partition, end) -> ends.put(partition, end.offset()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptException(e);
        } catch (ExecutionException e) {
            throw new KafkaException("the end of " + topic + " is not known: " + e.getMessage(), e);
        }
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
        return toTheEnd(ends);
    }

    /** Nothing can read an undecodable record; one of a kind that a newer version knows might name anything. */
    private Optional<Event> eventOrFail(ConsumerRecord<byte[], byte[]> record) {
        if (record.value() == null) {
            return Optional.empty();
        }
        return switch (codec.decode(record.value())) {
            case Decoded.Known(Event event) -> Optional.of(event);
            case Decoded.Undecodable _ -> Optional.empty();
            case Decoded.UnknownKind _ ->
                throw new CommandFailure(
                        ExitCode.REFUSED,
                        record.topic() + ", partition " + record.partition() + ", offset " + record.offset()
                                + ": holds an event of a newer version; use that version's command");
        };
    }

    /** The events of one key since an instant, in their order; others of its partition may be among them. */
    <E extends Event> List<E> events(String topic, String key, Instant since, Class<E> kind) {
        List<TopicPartition> all = partitions(topic);
        // As the producers' default partitioner does it.
        int number = Utils.toPositive(Utils.murmur2(key.getBytes(StandardCharsets.UTF_8))) % all.size();
        TopicPartition partition = new TopicPartition(topic, number);
        OffsetAndTimestamp first = consumer.offsetsForTimes(Map.of(partition, since.toEpochMilli()))
                .get(partition);
        if (first == null) {
            return List.of();
        }
        consumer.assign(List.of(partition));
        consumer.seek(partition, first.offset());
        List<E> events = new ArrayList<>();
        for (ConsumerRecord<byte[], byte[]> record : toTheEnd(List.of(partition))) {
            event(record, kind).ifPresent(events::add);
        }
        return events;
    }

    /** Every record as it is. */
    List<ConsumerRecord<byte[], byte[]>> records(String topic) {
        List<TopicPartition> partitions = partitions(topic);
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
        return toTheEnd(partitions);
    }

    private List<TopicPartition> partitions(String topic) {
        List<TopicPartition> partitions = consumer.partitionsFor(topic, Duration.ofSeconds(10)).stream()
                .map(info -> new TopicPartition(topic, info.partition()))
                .toList();
        if (partitions.isEmpty()) {
            throw new CommandFailure(
                    ExitCode.UNAVAILABLE,
                    "Kafka at " + connection.address() + " has no topic " + topic
                            + "; run 'millrace topics apply --kafka " + connection.address()
                            + "', or check --topic-prefix");
        }
        return partitions;
    }

    private List<ConsumerRecord<byte[], byte[]>> toTheEnd(List<TopicPartition> partitions) {
        return toTheEnd(consumer.endOffsets(partitions));
    }

    private List<ConsumerRecord<byte[], byte[]>> toTheEnd(Map<TopicPartition, Long> ends) {
        return toTheEnd(consumer, ends, System::nanoTime);
    }

    /** A consumer whose broker went away answers with nothing, for ever. */
    static List<ConsumerRecord<byte[], byte[]>> toTheEnd(
            Consumer<byte[], byte[]> consumer, Map<TopicPartition, Long> ends, LongSupplier nanoTime) {
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        Map<TopicPartition, Long> left = Map.of();
        long advancedNanos = nanoTime.getAsLong();
        // A position passes the markers of transactions only within a poll.
        for (Map<TopicPartition, Long> now = left(consumer, ends); !now.isEmpty(); now = left(consumer, ends)) {
            if (!now.equals(left)) {
                left = now;
                advancedNanos = nanoTime.getAsLong();
            } else if (nanoTime.getAsLong() - advancedNanos > SILENCE.toNanos()) {
                TopicPartition first = now.keySet().iterator().next();
                throw new CommandFailure(
                        ExitCode.UNAVAILABLE,
                        first.topic() + ", partition " + first.partition() + ": nothing came for " + SILENCE.toSeconds()
                                + " s, and " + now.get(first)
                                + " offsets are left to read; check that the broker runs, and"
                                + " with 'millrace doctor' that no transaction was left open");
            }
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                long end = ends.getOrDefault(new TopicPartition(record.topic(), record.partition()), 0L);
                if (record.offset() < end) {
                    records.add(record);
                }
            }
        }
        return records;
    }

    /** How many offsets are to be read of each partition that is not read to its end. */
    private static Map<TopicPartition, Long> left(Consumer<byte[], byte[]> consumer, Map<TopicPartition, Long> ends) {
        Map<TopicPartition, Long> left = new HashMap<>();
        ends.forEach((partition, end) -> {
            long offsets = end - consumer.position(partition);
            if (offsets > 0) {
                left.put(partition, offsets);
            }
        });
        return left;
    }

    private <E extends Event> Optional<E> event(ConsumerRecord<byte[], byte[]> record, Class<E> kind) {
        if (record.value() == null) {
            return Optional.empty();
        }
        return switch (codec.decode(record.value())) {
            case Decoded.Known known when kind.isInstance(known.event()) -> Optional.of(kind.cast(known.event()));
            case Decoded.Known _, Decoded.UnknownKind _, Decoded.Undecodable _ -> Optional.empty();
        };
    }

    @Override
    public void close() {
        consumer.close();
        schemas.close();
    }
}
