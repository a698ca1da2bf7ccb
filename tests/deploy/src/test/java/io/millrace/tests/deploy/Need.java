package io.millrace.tests.deploy;

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
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * What of a client needs a right: does what the right allows on behalf of the service. Where the broker still lets it, a
 * record nobody can read, a group's offset or a transactional id may be left behind.
 */
record Need(Right right, String resource, Map<String, Object> kafka) {
    private static final Duration WAIT = Duration.ofSeconds(5);

    /** @throws Exception what the client says if it may not */
    void ask(Admin admin) throws Exception {
        switch (right.resource()) {
            case TOPIC -> topic(admin);
            case GROUP -> group(admin);
            case TRANSACTIONAL_ID -> transaction();
            default -> throw new IllegalStateException("nothing needs " + right);
        }
    }

    private void topic(Admin admin) throws Exception {
        switch (right.operation()) {
            case READ -> read();
            case WRITE -> write();
            case DESCRIBE ->
                admin.describeTopics(List.of(resource)).allTopicNames().get();
            case CREATE ->
                admin.createTopics(
                                List.of(new NewTopic(name("new"), 1, (short) 1)),
                                new CreateTopicsOptions().validateOnly(true))
                        .all()
                        .get();
            default -> configs(admin, ConfigResource.Type.TOPIC, "retention.ms", "1000000000");
        }
    }

    private void group(Admin admin) throws Exception {
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
            default -> configs(admin, ConfigResource.Type.GROUP, "share.auto.offset.reset", "earliest");
        }
    }

    private void configs(Admin admin, ConfigResource.Type type, String setting, String value)
            throws ExecutionException, InterruptedException {
        ConfigResource of = new ConfigResource(type, resource);
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

    private void read() {
        try (var consumer = new KafkaConsumer<>(kafka, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            TopicPartition partition = new TopicPartition(resource, 0);
            consumer.assign(List.of(partition));
            consumer.seek(partition, 0);
            consumer.poll(WAIT);
        }
    }

    private void write() throws Exception {
        Map<String, Object> settings = new HashMap<>(kafka);
        settings.put("max.block.ms", WAIT.toMillis());
        try (var producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            producer.send(new ProducerRecord<>(resource, 0, new byte[] {1}, new byte[] {1}))
                    .get();
        }
    }

    private void transaction() {
        Map<String, Object> settings = new HashMap<>(kafka);
        settings.put("transactional.id", name("-probe"));
        try (var producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            producer.initTransactions();
        }
    }

    private String name(String end) {
        return right.resource() == ResourceType.TRANSACTIONAL_ID || right.pattern() == PatternType.PREFIXED
                ? right.name() + end
                : right.name();
    }
}
