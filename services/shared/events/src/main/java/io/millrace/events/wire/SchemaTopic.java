package io.millrace.events.wire;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.avro.Schema;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The compacted topic that holds every schema ever written with, by fingerprint. A process publishes its own before its
 * first event; so during a rolling upgrade an old reader finds the schema of a newer writer. Safe for use by many
 * threads.
 */
public final class SchemaTopic implements SchemaLookup, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SchemaTopic.class);
    private static final Duration POLL = Duration.ofMillis(100);
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Map<String, Object> kafka;
    private final TopicPartition partition;
    private final Map<Long, Schema> found = new HashMap<>();
    private Optional<Consumer<String, byte[]>> reader = Optional.empty();

    /**
     * @param kafka how to reach the cluster: {@code bootstrap.servers} and what security needs
     */
    public SchemaTopic(Map<String, Object> kafka, Topics topics) {
        this.kafka = Map.copyOf(kafka);
        this.partition = new TopicPartition(topics.schemas(), 0);
    }

    /**
     * Writes the schemas of this version that the topic lacks, and returns when they are safe.
     *
     * @throws KafkaException if they are not
     */
    public synchronized void publishOwn() {
        read();
        Map<Long, Schema> missing = new HashMap<>();
        for (Schema schema : Schemas.current().values()) {
            missing.put(Schemas.fingerprint(schema), schema);
        }
        missing.keySet().removeAll(found.keySet());
        if (missing.isEmpty()) {
            return;
        }
        Map<String, Object> settings = new HashMap<>(kafka);
        settings.put(ProducerConfig.ACKS_CONFIG, "all");
        try (Producer<String, byte[]> producer =
                new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer())) {
            List<Future<RecordMetadata>> sent = missing.entrySet().stream()
                    .map(entry -> producer.send(record(entry.getKey(), entry.getValue())))
                    .toList();
            for (Future<RecordMetadata> write : sent) {
                await(write);
            }
        }
        found.putAll(missing);
        LOG.atInfo().addKeyValue("count", missing.size()).log("published schemas");
    }

    /**
     * @throws KafkaException if the topic cannot be read: nothing is known about the schema then
     */
    @Override
    public synchronized Optional<Schema> find(long fingerprint) {
        if (!found.containsKey(fingerprint)) {
            read();
        }
        return Optional.ofNullable(found.get(fingerprint));
    }

    @Override
    public synchronized void close() {
        reader.ifPresent(Consumer::close);
        reader = Optional.empty();
    }

    private ProducerRecord<String, byte[]> record(long fingerprint, Schema schema) {
        return new ProducerRecord<>(
                partition.topic(), Schemas.hex(fingerprint), schema.toString().getBytes(StandardCharsets.UTF_8));
    }

    private void read() {
        try {
            readToEnd();
        } catch (KafkaException e) {
            throw denied(e, AclOperation.READ);
        }
    }

    private KafkaException denied(KafkaException error, AclOperation operation) {
        return DeniedException.naming(error, operation, ResourceType.TOPIC, partition.topic());
    }

    /** Reads on from where the last look-up ended. */
    private void readToEnd() {
        Consumer<String, byte[]> consumer = reader.orElseGet(this::open);
        reader = Optional.of(consumer);
        long end = consumer.endOffsets(List.of(partition), PATIENCE).getOrDefault(partition, 0L);
        long deadlineNanos = System.nanoTime() + PATIENCE.toNanos();
        while (consumer.position(partition, PATIENCE) < end) {
            consumer.poll(POLL).forEach(this::take);
            if (System.nanoTime() - deadlineNanos > 0) {
                throw new TimeoutException("topic '" + partition.topic() + "' was not read to its end at " + end
                        + " within " + PATIENCE.toSeconds() + " s");
            }
        }
    }

    private Consumer<String, byte[]> open() {
        Map<String, Object> settings = new HashMap<>(kafka);
        settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        settings.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
        settings.remove(ConsumerConfig.GROUP_ID_CONFIG);
        Consumer<String, byte[]> consumer =
                new KafkaConsumer<>(settings, new StringDeserializer(), new ByteArrayDeserializer());
        consumer.assign(List.of(partition));
        consumer.seekToBeginning(List.of(partition));
        return consumer;
    }

    private void take(ConsumerRecord<String, byte[]> record) {
        if (record.value() == null) {
            return;
        }
        try {
            Schema schema = new Schema.Parser().parse(new String(record.value(), StandardCharsets.UTF_8));
            found.put(Schemas.fingerprint(schema), schema);
        } catch (RuntimeException e) {
            // Avro refuses most texts in its own way, but a lone name that it does not know with a null pointer.
            LOG.atWarn()
                    .addKeyValue("topic", record.topic())
                    .addKeyValue("offset", record.offset())
                    .addKeyValue("why", e.getMessage())
                    .log("skipped a record that is no schema");
        }
    }

    private void await(Future<RecordMetadata> write) {
        try {
            write.get();
        } catch (InterruptedException e) {
            throw new InterruptException(e);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof KafkaException cause
                    ? denied(cause, AclOperation.WRITE)
                    : new KafkaException(e.getCause());
        }
    }
}
