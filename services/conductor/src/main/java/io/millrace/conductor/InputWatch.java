package io.millrace.conductor;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.millrace.conductor.Standstill.Place;
import io.millrace.events.wire.Topics;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * For how long a record has been the next one that the conductors come to, as {@code millrace.input.stalled.seconds}. No
 * client shows it (Kafka 4.3.1): behind an open transaction the lag of a consumer is 0, and a task that waits for one in its
 * changelog, or for its committed offsets, has none.
 */
final class InputWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(InputWatch.class);
    private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(10);
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    /** For how long it looks whether any record waits. Behind an open transaction none comes. */
    private static final Duration READING = Duration.ofSeconds(2);
    /** The end of what is written, not of what is committed. */
    private static final ListOffsetsOptions WRITTEN = new ListOffsetsOptions(IsolationLevel.READ_UNCOMMITTED);

    private final Admin admin;
    private final Map<String, Object> reading;
    private final String group;
    private final List<TopicPartition> input;
    private final LongSupplier nanoTime;
    private final MeterRegistry registry;
    private final Gauge gauge;
    private final Standstill standstill = new Standstill();
    private volatile double seconds = Double.NaN;
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("input-watch").factory());

    /**
     * @param kafka settings of a client
     * @param group of the conductors that share the work
     */
    InputWatch(
            Admin admin,
            Map<String, ?> kafka,
            String group,
            Topics topics,
            LongSupplier nanoTime,
            MeterRegistry registry) {
        this.admin = admin;
        this.reading = new HashMap<>(kafka);
        reading.put("isolation.level", "read_committed");
        reading.put("enable.auto.commit", false);
        reading.put("allow.auto.create.topics", false);
        // Where the group's offset is that of records that are deleted.
        reading.put("auto.offset.reset", "earliest");
        reading.put("max.partition.fetch.bytes", 1024);
        this.group = group;
        this.input = input(topics);
        this.nanoTime = nanoTime;
        this.registry = registry;
        this.gauge = Gauge.builder("millrace.input.stalled.seconds", this, watch -> watch.seconds)
                .description("For how long the next record that waits has been the next one; 0 if none waits")
                .register(registry);
    }

    private static List<TopicPartition> input(Topics topics) {
        Set<String> read =
                Set.of(topics.checkpoints(), topics.policies(), topics.policiesByPartition(), topics.jobEvents());
        return topics.fixed().stream()
                .filter(topic -> read.contains(topic.name()))
                .flatMap(topic -> IntStream.range(0, topic.partitions())
                        .mapToObj(partition -> new TopicPartition(topic.name(), partition)))
                .toList();
    }

    void start() {
        var _ = clock.scheduleWithFixedDelay(this::lookUnlessDown, 0, BETWEEN_LOOKS.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void lookUnlessDown() {
        try {
            look();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException | RuntimeException e) {
            standstill.forget();
            seconds = Double.NaN;
            LOG.debug("whether the input stands still is not known now: {}", e.toString());
        }
    }

    /** Looks once. */
    void look() throws InterruptedException, ExecutionException, TimeoutException {
        Map<TopicPartition, OffsetAndMetadata> committed =
                await(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata());
        Map<TopicPartition, Long> ends = offsets(input, OffsetSpec.latest());
        Map<TopicPartition, Long> begins = offsets(
                input.stream()
                        .filter(partition -> committed.get(partition) == null)
                        .toList(),
                OffsetSpec.earliest());
        Map<TopicPartition, Place> places = new HashMap<>();
        ends.forEach((partition, end) -> {
            OffsetAndMetadata next = committed.get(partition);
            places.put(partition, new Place(next == null ? begins.getOrDefault(partition, end) : next.offset(), end));
        });
        Duration longest = standstill.longest(places, nanoTime.getAsLong());
        if (longest.isPositive()) {
            longest = standstill.longest(withoutPassed(places), nanoTime.getAsLong());
        }
        seconds = longest.toMillis() / 1e3;
    }

    /**
     * Without those partitions whose reader is at the end, though the group's offset is not: Streams commits none for records
     * of transactions that were aborted while it reads no other record of the partition, after each start anew.
     */
    private Map<TopicPartition, Place> withoutPassed(Map<TopicPartition, Place> places) {
        Map<TopicPartition, Place> rest = new HashMap<>(places);
        Map<TopicPartition, Place> unknown = new HashMap<>(places);
        unknown.values().removeIf(place -> place.next() >= place.end());
        try (Consumer<byte[], byte[]> reader =
                new KafkaConsumer<>(reading, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            reader.assign(unknown.keySet());
            unknown.forEach((partition, place) -> reader.seek(partition, place.next()));
            long begin = nanoTime.getAsLong();
            while (!unknown.isEmpty() && nanoTime.getAsLong() - begin < READING.toNanos()) {
                Set<TopicPartition> waiting =
                        reader.poll(Duration.ofMillis(100)).partitions();
                reader.pause(waiting);
                unknown.keySet().removeAll(waiting);
                Set<TopicPartition> passed = unknown.entrySet().stream()
                        .filter(place -> reader.position(place.getKey())
                                >= place.getValue().end())
                        .map(Map.Entry::getKey)
                        .collect(Collectors.toSet());
                unknown.keySet().removeAll(passed);
                rest.keySet().removeAll(passed);
            }
        }
        return rest;
    }

    private Map<TopicPartition, Long> offsets(List<TopicPartition> of, OffsetSpec which)
            throws InterruptedException, ExecutionException, TimeoutException {
        Map<TopicPartition, OffsetSpec> asked = of.stream().collect(Collectors.toMap(Function.identity(), _ -> which));
        Map<TopicPartition, Long> offsets = new HashMap<>();
        for (Map.Entry<TopicPartition, ListOffsetsResultInfo> answer :
                await(admin.listOffsets(asked, WRITTEN).all()).entrySet()) {
            offsets.put(answer.getKey(), answer.getValue().offset());
        }
        return offsets;
    }

    private static <T> T await(KafkaFuture<T> future)
            throws InterruptedException, ExecutionException, TimeoutException {
        return future.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public void close() {
        clock.shutdownNow();
        registry.remove(gauge);
    }
}
