package io.millrace.worker.report;

import io.millrace.events.Event;
import io.millrace.events.wire.DeadLetters;
import io.millrace.events.wire.EventRecords;
import io.millrace.events.wire.KafkaRefusal;
import io.millrace.worker.commit.Reports;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Publishes what happens to jobs. An awaited event is sent again until every replica has it: a job whose end nobody
 * learns of would be done twice. Only the end of the process bounds that.
 */
public final class EventPublisher implements Reports, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EventPublisher.class);
    private static final Duration PAUSE = Duration.ofSeconds(1);
    private static final Duration LAST_TRY = Duration.ofSeconds(5);

    private final EventRecords records;
    private final DeadLetters deadLetters;
    private final Map<String, Object> kafka;
    private final Producer<byte[], byte[]> producer;
    private final CountDownLatch stopping = new CountDownLatch(1);

    public EventPublisher(EventRecords records, DeadLetters deadLetters, Map<String, Object> kafka) {
        this.records = records;
        this.deadLetters = deadLetters;
        this.kafka = kafka;
        this.producer = new KafkaProducer<>(settings(kafka), new ByteArraySerializer(), new ByteArraySerializer());
    }

    /** A record that was acknowledged survives the loss of a broker, and stands there once. */
    static Map<String, Object> settings(Map<String, Object> kafka) {
        Map<String, Object> settings = new TreeMap<>(kafka);
        settings.put(ProducerConfig.ACKS_CONFIG, "all");
        settings.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
        settings.put(ProducerConfig.LINGER_MS_CONFIG, 0);
        // While one request is on its way, the events of other slots gather for the next.
        settings.put(ProducerConfig.MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION, 1);
        settings.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, 5_000L);
        settings.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, 5_000);
        settings.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, 20_000);
        return settings;
    }

    @Override
    public boolean publish(Event event) {
        return deliver(bytes(records.record(event)));
    }

    @Override
    public void announce(Event event) {
        try {
            var _ = producer.send(bytes(records.record(event)));
        } catch (KafkaException e) {
            LOG.debug("a progress event was not sent: {}", e.toString());
        }
    }

    /** Keeps a record that nobody can read, with where it came from and why. */
    public boolean bury(ConsumerRecord<?, byte[]> record, String why) {
        return deliver(deadLetters.record(record, why));
    }

    /** From now on an event that cannot be published soon is given up. */
    public void stopSoon() {
        stopping.countDown();
    }

    public Map<MetricName, ? extends Metric> metrics() {
        return producer.metrics();
    }

    private boolean deliver(ProducerRecord<byte[], byte[]> record) {
        while (true) {
            boolean lastTry = stopping.getCount() == 0;
            try {
                var sent = producer.send(record);
                if (lastTry) {
                    sent.get(LAST_TRY.toNanos(), TimeUnit.NANOSECONDS);
                } else {
                    sent.get();
                }
                return true;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            } catch (ExecutionException | TimeoutException | KafkaException e) {
                Throwable cause = e instanceof ExecutionException wrapped ? wrapped.getCause() : e;
                if (cause instanceof RecordTooLargeException) {
                    throw new IllegalArgumentException(
                            "an event for " + record.topic() + " is too large to publish", e);
                }
                LOG.warn(
                        "an event for {} is not published yet: {}",
                        record.topic(),
                        KafkaRefusal.of(e, kafka, AclOperation.WRITE).orElse(String.valueOf(cause)));
            }
            try {
                if (lastTry) {
                    return false;
                }
                boolean nextIsLast = stopping.await(PAUSE.toNanos(), TimeUnit.NANOSECONDS);
                LOG.debug("trying again{}", nextIsLast ? " for the last time" : "");
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
    }

    private static ProducerRecord<byte[], byte[]> bytes(ProducerRecord<String, byte[]> record) {
        byte[] key = record.key() == null ? null : record.key().getBytes(StandardCharsets.UTF_8);
        return new ProducerRecord<>(
                record.topic(), record.partition(), record.timestamp(), key, record.value(), record.headers());
    }

    @Override
    public void close() {
        producer.close(LAST_TRY);
    }
}
