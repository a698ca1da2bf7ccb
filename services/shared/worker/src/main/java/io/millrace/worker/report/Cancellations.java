package io.millrace.worker.report;

import io.millrace.events.JobRef;
import io.millrace.events.wire.EventRecords;
import io.millrace.events.wire.KafkaRefusal;
import io.millrace.events.wire.Topics;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The jobs that nobody waits for, as the compacted topic says: a value cancels its key, a tombstone takes that back. A
 * worker that cannot read the topic works on: it does too much rather than too little.
 */
public final class Cancellations implements Predicate<JobRef>, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Cancellations.class);
    private static final Duration POLL = Duration.ofMillis(500);
    private static final Duration PAUSE = Duration.ofSeconds(5);

    private static final Duration CONFIRMATION = Duration.ofSeconds(10);

    private final CancelledKeys cancelled = new CancelledKeys();
    private final CountDownLatch caughtUp = new CountDownLatch(1);
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Map<String, Object> settings;
    private final String topic;
    private final Thread thread;

    public Cancellations(Map<String, Object> kafka, Topics topics) {
        this.settings = settings(kafka);
        this.topic = topics.cancellations();
        this.thread = Thread.ofPlatform().daemon().name("cancellations").start(this::followAlways);
    }

    /** A cancellation that the conductor took back with its transaction was none. */
    static Map<String, Object> settings(Map<String, Object> kafka) {
        Map<String, Object> settings = new TreeMap<>(kafka);
        settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        return settings;
    }

    /**
     * True if nobody waits for this model's job on this device; the same job of another model or device is another record.
     * A key may be asked for again: then its tombstone and its new job are written at once, but the job may be seen first.
     * So a key that looks cancelled is looked at again when all that is written by now has been read, and if that cannot
     * be had the job is done.
     */
    @Override
    public boolean test(JobRef job) {
        return isCancelled(job) && readToTheEnd() && isCancelled(job);
    }

    private boolean isCancelled(JobRef job) {
        return cancelled.contains(EventRecords.cancellationKey(job.model(), job.key()))
                || cancelled.contains(EventRecords.cancellationKey(job.model(), job.key(), job.device()));
    }

    private boolean readToTheEnd() {
        try (Admin admin = Admin.create(settings)) {
            Map<TopicPartition, OffsetSpec> wanted = new HashMap<>();
            cancelled.partitions().forEach(partition -> wanted.put(partition, OffsetSpec.latest()));
            // Uncommitted: the end of a transaction reaches each partition in its own time.
            Map<TopicPartition, Long> ends = new HashMap<>();
            admin.listOffsets(wanted, new ListOffsetsOptions(IsolationLevel.READ_UNCOMMITTED))
                    .all()
                    .get(CONFIRMATION.toMillis(), TimeUnit.MILLISECONDS)
                    .forEach((partition, end) -> ends.put(partition, end.offset()));
            long endNanos = System.nanoTime() + CONFIRMATION.toNanos();
            while (!cancelled.hasRead(ends)) {
                if (System.nanoTime() - endNanos > 0 || closed.await(20, TimeUnit.MILLISECONDS)) {
                    return false;
                }
            }
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } catch (ExecutionException | TimeoutException | KafkaException e) {
            LOG.warn("a cancellation could not be confirmed, so the job is done: {}", e.toString());
            return false;
        }
    }

    /** Waits until all that was cancelled before now is known, but not longer than {@code patience}. */
    public boolean awaitCaughtUp(Duration patience) throws InterruptedException {
        return caughtUp.await(patience.toNanos(), TimeUnit.NANOSECONDS);
    }

    private void followAlways() {
        try {
            do {
                try {
                    follow();
                } catch (KafkaException e) {
                    LOG.warn(
                            "cancellations cannot be read for the moment: {}",
                            KafkaRefusal.of(e, settings, AclOperation.READ).orElse(e.toString()));
                }
            } while (!closed.await(PAUSE.toNanos(), TimeUnit.NANOSECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void follow() {
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = partitions(topic, consumer.partitionsFor(topic));
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            cancelled.begin(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (closed.getCount() > 0) {
                consumer.poll(POLL).forEach(this::apply);
                cancelled.readTo(
                        partitions.stream().collect(Collectors.toMap(Function.identity(), consumer::position)));
                if (cancelled.hasRead(ends)) {
                    caughtUp.countDown();
                }
            }
        }
    }

    /** A topic that is gone, or not there yet, is asked for again: a consumer of no partitions cannot be polled. */
    static List<TopicPartition> partitions(String topic, List<PartitionInfo> found) {
        if (found.isEmpty()) {
            throw new UnknownTopicOrPartitionException(topic + ": is not there; 'millrace topics apply' makes it");
        }
        return found.stream()
                .map(info -> new TopicPartition(topic, info.partition()))
                .toList();
    }

    private void apply(ConsumerRecord<String, byte[]> record) {
        if (record.value() == null) {
            cancelled.takeBack(record.key());
        } else {
            cancelled.cancel(record.key());
        }
    }

    @Override
    public void close() {
        closed.countDown();
        try {
            thread.join(POLL.multipliedBy(4));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
