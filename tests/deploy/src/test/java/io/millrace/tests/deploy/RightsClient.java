package io.millrace.tests.deploy;

import io.millrace.events.wire.DeniedException;
import io.millrace.events.wire.KafkaRefusal;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.AlterConfigsOptions;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.ListShareGroupOffsetsSpec;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.TransactionalIdAuthorizationException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * A user's clients, which do what one of his rights allows. Where the broker lets them, a record nobody can read, a
 * group's offset or a transactional id may be left behind.
 */
final class RightsClient implements AutoCloseable {
    private static final Duration WAIT = Duration.ofSeconds(5);

    private final Map<String, Object> kafka;
    private final Admin admin;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final KafkaProducer<byte[], byte[]> producer;

    RightsClient(Map<String, Object> kafka) {
        Map<String, Object> settings = new HashMap<>(kafka);
        settings.put("max.block.ms", WAIT.toMillis());
        this.kafka = kafka;
        this.admin = Admin.create(kafka);
        this.consumer = new KafkaConsumer<>(kafka, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        this.producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    }

    /** What an operator is told when the user does this. */
    String told(Right right, String resource) {
        try {
            use(right, resource);
            return "it was let";
        } catch (ExecutionException e) {
            // What an admin is told does not even name the topic or group, so whoever asks does.
            return e.getCause() instanceof KafkaException cause
                    ? told(named(cause, right, resource), right)
                    : told(e, right);
        } catch (Exception e) {
            return told(e, right);
        }
    }

    private static KafkaException named(KafkaException error, Right right, String resource) {
        return DeniedException.naming(error, right.operation(), right.resource(), resource);
    }

    private String told(Exception error, Right right) {
        return KafkaRefusal.of(error, kafka, right.operation()).orElse(error.toString());
    }

    private void use(Right right, String resource) throws Exception {
        switch (right.resource()) {
            case TOPIC -> topic(right, resource);
            case GROUP -> group(right, resource);
            case TRANSACTIONAL_ID -> transaction(right, resource);
            default -> throw new IllegalStateException("nothing needs " + right);
        }
    }

    private void topic(Right right, String resource) throws Exception {
        switch (right.operation()) {
            case READ -> read(resource);
            case WRITE -> write(resource);
            case DESCRIBE ->
                admin.describeTopics(List.of(resource)).allTopicNames().get();
            case CREATE ->
                admin.createTopics(
                                List.of(new NewTopic(resource, 1, (short) 1)),
                                new CreateTopicsOptions().validateOnly(true))
                        .all()
                        .get();
            default ->
                configs(right, new ConfigResource(ConfigResource.Type.TOPIC, resource), "retention.ms", "1000000000");
        }
    }

    private void group(Right right, String resource) throws Exception {
        switch (right.operation()) {
            case READ ->
                admin.alterConsumerGroupOffsets(
                                resource, Map.of(new TopicPartition("millrace.schemas", 0), new OffsetAndMetadata(0)))
                        .all()
                        .get();
            case DESCRIBE ->
                admin.listShareGroupOffsets(Map.of(
                                resource,
                                new ListShareGroupOffsetsSpec()
                                        .topicPartitions(List.of(new TopicPartition(resource, 0)))))
                        .partitionsToOffsetInfo(resource)
                        .get();
            default ->
                configs(
                        right,
                        new ConfigResource(ConfigResource.Type.GROUP, resource),
                        "share.auto.offset.reset",
                        "earliest");
        }
    }

    private void configs(Right right, ConfigResource of, String setting, String value)
            throws ExecutionException, InterruptedException {
        if (right.operation() == AclOperation.DESCRIBE_CONFIGS) {
            admin.describeConfigs(List.of(of)).all().get();
            return;
        }
        Collection<AlterConfigOp> set =
                List.of(new AlterConfigOp(new ConfigEntry(setting, value), AlterConfigOp.OpType.SET));
        admin.incrementalAlterConfigs(Map.of(of, set), new AlterConfigsOptions().validateOnly(true))
                .all()
                .get();
    }

    private void read(String topic) {
        TopicPartition partition = new TopicPartition(topic, 0);
        consumer.assign(List.of(partition));
        consumer.seek(partition, 0);
        consumer.poll(WAIT);
    }

    /** A record that nobody can read. */
    void write(String topic) throws Exception {
        producer.send(new ProducerRecord<>(topic, 0, new byte[] {1}, new byte[] {1}))
                .get();
    }

    private void transaction(Right right, String id) {
        Map<String, Object> settings = new HashMap<>(kafka);
        settings.put("transactional.id", id);
        try (var transactional = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            transactional.initTransactions();
        } catch (TransactionalIdAuthorizationException e) {
            throw named(e, right, id);
        }
    }

    @Override
    public void close() {
        admin.close();
        consumer.close();
        producer.close();
    }
}
