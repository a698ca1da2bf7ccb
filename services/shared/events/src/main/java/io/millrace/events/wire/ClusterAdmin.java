package io.millrace.events.wire;

import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.FinalizedVersionRange;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.resource.ResourceType;

/** What is asked of a cluster. Each call waits for the answer; a refusal is a {@link DeniedException}. */
record ClusterAdmin(Admin admin) {
    Map<String, FinalizedVersionRange> features() throws InterruptedException {
        return await(admin.describeFeatures().featureMetadata()).finalizedFeatures();
    }

    /** The topics that are there. They are asked for by name: a list would leave out what this user may not see. */
    Map<String, TopicDescription> topics(Set<String> names) throws InterruptedException {
        Map<String, TopicDescription> present = new HashMap<>();
        for (Map.Entry<String, KafkaFuture<TopicDescription>> topic :
                admin.describeTopics(names).topicNameValues().entrySet()) {
            try {
                present.put(
                        topic.getKey(),
                        await(topic.getValue(), AclOperation.DESCRIBE, ResourceType.TOPIC, topic.getKey()));
            } catch (UnknownTopicOrPartitionException e) {
                // Not there.
            }
        }
        return present;
    }

    void create(List<NewTopic> topics) throws InterruptedException {
        for (Map.Entry<String, KafkaFuture<Void>> topic :
                admin.createTopics(topics).values().entrySet()) {
            try {
                await(topic.getValue(), AclOperation.CREATE, ResourceType.TOPIC, topic.getKey());
            } catch (TopicExistsException e) {
                // Another process applied at the same moment.
            }
        }
    }

    /** Of all topics that this user may see. */
    Set<String> names() throws InterruptedException {
        return await(admin.listTopics().names());
    }

    void delete(Set<String> topics) throws InterruptedException {
        await(admin.deleteTopics(topics).all());
    }

    /** In the order of what was asked for. */
    Map<ConfigResource, Config> configs(Set<ConfigResource> resources) throws InterruptedException {
        Map<ConfigResource, KafkaFuture<Config>> found =
                admin.describeConfigs(resources).values();
        Map<ConfigResource, Config> inOrder = new LinkedHashMap<>();
        for (ConfigResource resource : resources) {
            inOrder.put(
                    resource,
                    await(Objects.requireNonNull(found.get(resource)), AclOperation.DESCRIBE_CONFIGS, resource));
        }
        return inOrder;
    }

    void set(Map<ConfigResource, Map<String, String>> settings) throws InterruptedException {
        Map<ConfigResource, Collection<AlterConfigOp>> operations = new LinkedHashMap<>();
        settings.forEach((resource, configs) -> operations.put(
                resource,
                configs.entrySet().stream()
                        .map(config -> new AlterConfigOp(
                                new ConfigEntry(config.getKey(), config.getValue()), AlterConfigOp.OpType.SET))
                        .toList()));
        for (Map.Entry<ConfigResource, KafkaFuture<Void>> altered :
                admin.incrementalAlterConfigs(operations).values().entrySet()) {
            await(altered.getValue(), AclOperation.ALTER_CONFIGS, altered.getKey());
        }
    }

    /**
     * A partition exists before its leader answers. A producer's first batch would be refused there and its second one
     * taken, and then the first is out of order for as long as it is tried (measured, Kafka 4.3.1: 20 s and more).
     */
    void awaitLeaders(List<TopicSpec> specs) throws InterruptedException {
        Map<TopicPartition, OffsetSpec> ends = specs.stream()
                .flatMap(spec -> IntStream.range(0, spec.partitions())
                        .mapToObj(partition -> new TopicPartition(spec.name(), partition)))
                .collect(Collectors.toMap(Function.identity(), _ -> OffsetSpec.latest()));
        // Only a leader knows the end; the client asks again until one answers.
        await(admin.listOffsets(ends).all());
    }

    /** How many records were ever put into the first partition. */
    long end(String topic) throws InterruptedException {
        TopicPartition first = new TopicPartition(topic, 0);
        return await(
                        admin.listOffsets(Map.of(first, OffsetSpec.latest())).partitionResult(first),
                        AclOperation.DESCRIBE,
                        ResourceType.TOPIC,
                        topic)
                .offset();
    }

    private static <T> T await(KafkaFuture<T> future, AclOperation operation, ConfigResource of)
            throws InterruptedException {
        ResourceType type = of.type() == ConfigResource.Type.GROUP ? ResourceType.GROUP : ResourceType.TOPIC;
        return await(future, operation, type, of.name());
    }

    private static <T> T await(KafkaFuture<T> future, AclOperation operation, ResourceType type, String name)
            throws InterruptedException {
        try {
            return await(future);
        } catch (KafkaException e) {
            throw DeniedException.naming(e, operation, type, name);
        }
    }

    private static <T> T await(KafkaFuture<T> future) throws InterruptedException {
        try {
            return future.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof KafkaException cause ? cause : new KafkaException(e.getCause());
        }
    }
}
