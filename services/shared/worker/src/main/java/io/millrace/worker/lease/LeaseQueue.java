package io.millrace.worker.lease;

import io.millrace.events.Device;
import io.millrace.events.StageName;
import io.millrace.events.wire.KafkaRefusal;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One queue as one slot sees it: a share consumer that holds at most one record. Used by the slot's thread alone, but for
 * {@link #metrics}.
 *
 * <p>Even so the consumer may hold a second one in secret: a poll that begins while a record is on its way asks for the
 * next as well. That one waits for its lock to end, on a busy machine more often than on an idle one; nothing in the
 * client tells of it (Kafka 4.3.1). If it is a transaction's marker, the client forgets to answer it at all: the group's
 * start stays there for the time of a lock, and what is {@code group.share.partition.max.record.locks} behind it waits.
 *
 * <p>The fate of an acknowledgement shows only in its callback and in what {@code commitSync} returns; neither throws. One
 * that the broker refused is told by the record itself, which comes again.
 */
final class LeaseQueue implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LeaseQueue.class);
    /** Longer polls sleep through records that follow a transaction's marker. */
    private static final Duration POLL = Duration.ofMillis(50);

    private static final Duration RENEW_POLL = Duration.ofMillis(1);
    private static final long ANSWER_PAUSE_NANOS = 200_000;
    private static final Duration SETTLE = Duration.ofSeconds(10);
    private static final Duration CLOSE = Duration.ofSeconds(5);
    private static final int USUAL_LOCK_MILLIS = 30_000;

    private final StageName stage;
    private final Device device;
    private final String topic;
    private final Map<String, Object> settings;
    private final LongSupplier nanoTime;
    private final Rest rest;
    private volatile @Nullable KafkaShareConsumer<String, byte[]> consumer;
    private Map<TopicIdPartition, Set<Long>> answered = Map.of();
    private Map<TopicIdPartition, Set<Long>> refused = Map.of();

    LeaseQueue(
            StageName stage,
            Device device,
            String topic,
            String group,
            Map<String, Object> kafka,
            LongSupplier nanoTime) {
        this.stage = stage;
        this.device = device;
        this.topic = topic;
        this.nanoTime = nanoTime;
        this.rest = new Rest(nanoTime);
        this.settings = new TreeMap<>(kafka);
        settings.put(ConsumerConfig.GROUP_ID_CONFIG, group);
        settings.put(ConsumerConfig.SHARE_ACKNOWLEDGEMENT_MODE_CONFIG, "explicit");
        settings.put(ConsumerConfig.SHARE_ACQUIRE_MODE_CONFIG, "record_limit");
        settings.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 1);
    }

    StageName stage() {
        return stage;
    }

    Device device() {
        return device;
    }

    /** The queue's topic. */
    String name() {
        return topic;
    }

    /** The next record, if one comes within a moment. Opens the queue if it was closed, unless it rests. */
    Optional<ConsumerRecord<String, byte[]>> poll() throws InterruptedException {
        Duration left = rest.left();
        if (left.isPositive()) {
            Thread.sleep(left.compareTo(POLL) < 0 ? left : POLL);
            return Optional.empty();
        }
        for (ConsumerRecord<String, byte[]> record : open().poll(POLL)) {
            return Optional.of(record);
        }
        return Optional.empty();
    }

    /** Closes it for a while: it could not be read. */
    void rest() {
        close();
        rest.begin();
    }

    /** What an operator needs to hear of an error. */
    String told(KafkaException error) {
        return KafkaRefusal.of(error, settings, AclOperation.READ).orElse(error.toString());
    }

    /** How long a record stays ours without a renewal. */
    Duration lock() {
        return Duration.ofMillis(open().acquisitionLockTimeoutMs().orElse(USUAL_LOCK_MILLIS));
    }

    /**
     * Starts the lock anew. False: the lease is lost, and the queue is to be closed.
     *
     * <p>A poll that meets a renewal still on its way fetches the next record: it would lie here until its lock ran out,
     * which counts as a delivery, and a record that was delivered too often is gone without a word (measured, Kafka
     * 4.3.1). So the renewal is committed by itself, and the record is taken back only when the callback has seen the
     * answer, which may be a moment after the commit returned.
     */
    boolean renew(ConsumerRecord<String, byte[]> held) {
        try {
            KafkaShareConsumer<String, byte[]> now = open();
            long patienceNanos = lock().toNanos() / 2;
            long began = nanoTime.getAsLong();
            answered = Map.of();
            refused = Map.of();
            if (!settle(held, AcknowledgeType.RENEW)) {
                return false;
            }
            while (!isAmong(answered, held) && nanoTime.getAsLong() - began < patienceNanos) {
                LockSupport.parkNanos(ANSWER_PAUSE_NANOS);
                // With nothing to commit it only runs the callback.
                now.commitSync(SETTLE);
            }
            while (!isAmong(refused, held) && nanoTime.getAsLong() - began < patienceNanos) {
                boolean back = false;
                for (ConsumerRecord<String, byte[]> record : now.poll(RENEW_POLL)) {
                    if (record.partition() == held.partition() && record.offset() == held.offset()) {
                        back = true;
                    } else {
                        now.acknowledge(record, AcknowledgeType.RELEASE);
                    }
                }
                if (back) {
                    return true;
                }
            }
        } catch (KafkaException | IllegalStateException e) {
            LOG.warn(
                    "the lease of {}-{}@{} cannot be renewed: {}",
                    topic,
                    held.partition(),
                    held.offset(),
                    e.toString());
        }
        return false;
    }

    private static boolean isAmong(Map<TopicIdPartition, Set<Long>> offsets, ConsumerRecord<String, byte[]> record) {
        return offsets.entrySet().stream()
                .filter(entry -> entry.getKey().partition() == record.partition())
                .anyMatch(entry -> entry.getValue().contains(record.offset()));
    }

    /**
     * Says that the record is done with. The broker hears it with the next poll, or when the queue is closed: a request
     * less for each job. Only when the event that tells of the job's end is published may this be said, since nobody waits
     * for the answer.
     */
    void accept(ConsumerRecord<String, byte[]> done) {
        open().acknowledge(done, AcknowledgeType.ACCEPT);
    }

    /** Tells the broker at once what becomes of the record. False: it did not take it, and the record will come again. */
    boolean settle(ConsumerRecord<String, byte[]> held, AcknowledgeType how) {
        try {
            open().acknowledge(held, how);
            return open().commitSync(SETTLE).values().stream().allMatch(Optional::isEmpty);
        } catch (KafkaException | IllegalStateException e) {
            LOG.warn("{}-{}@{} was not settled: {}", topic, held.partition(), held.offset(), e.toString());
            return false;
        }
    }

    Map<MetricName, ? extends Metric> metrics() {
        KafkaShareConsumer<String, byte[]> now = consumer;
        return now == null ? Map.of() : now.metrics();
    }

    private KafkaShareConsumer<String, byte[]> open() {
        KafkaShareConsumer<String, byte[]> now = consumer;
        if (now == null) {
            now = new KafkaShareConsumer<>(settings, new StringDeserializer(), new ByteArrayDeserializer());
            now.setAcknowledgementCommitCallback((offsets, trouble) -> {
                answered = offsets;
                if (trouble != null) {
                    refused = offsets;
                    LOG.warn("{} was not settled and comes again: {}", offsets, trouble.toString());
                }
            });
            now.subscribe(List.of(topic));
            consumer = now;
        }
        return now;
    }

    @Override
    public void close() {
        KafkaShareConsumer<String, byte[]> now = consumer;
        consumer = null;
        if (now != null) {
            try {
                now.close(CLOSE);
            } catch (KafkaException e) {
                LOG.warn("queue {} was not closed in order: {}", topic, e.toString());
            }
        }
    }
}
