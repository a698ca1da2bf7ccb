package io.millrace.events.wire;

import io.millrace.events.Device;
import io.millrace.events.StageName;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
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
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.resource.ResourceType;

/** Creates the topics and the settings of their share groups, and says where a cluster differs from them. */
public final class TopicAdmin {
    /** Set before the first consumer joins: the defaults would skip old jobs and hand out aborted ones. */
    private static final Map<String, String> SHARE_GROUP = Map.of(
            "share.auto.offset.reset", "earliest",
            "share.isolation.level", "read_committed");

    private static final String SHARE_FEATURE = "share.version";

    private static final String LOCK = "share.record.lock.duration.ms";

    /** Kafka's default; set only where another lock was set that does not work. */
    private static final String USUAL_LOCK_MILLIS = "30000";

    /**
     * A lease is renewed each third of the lock, so a shorter one would be lost in a pause of the machine. Kafka itself
     * allows 15 s and more unless the broker's {@code group.share.min.record.lock.duration.ms} says less.
     */
    private static final long SHORTEST_LOCK_MILLIS = 5_000;

    /**
     * A worker shows a sign of life each third of the lock, and the conductor gives it up after two minutes of silence.
     * Kafka's bound is 60 s unless {@code group.share.max.record.lock.duration.ms} says more.
     */
    private static final long LONGEST_LOCK_MILLIS = 180_000;

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration PAUSE = Duration.ofMillis(50);

    private TopicAdmin() {}

    /**
     * Makes the cluster as it should be, and returns when it is seen to be; doing it again changes nothing.
     *
     * @param devices whose job topics are wanted
     * @param replication copies of each partition; all but one of them must confirm a write
     * @throws IllegalStateException if a topic has another number of partitions: keys would move to other partitions
     *     than their state; or if the cluster does not become as it should within half a minute
     * @throws UnsupportedVersionException if the cluster has no share groups
     * @throws KafkaException if the cluster does not answer or refuses
     */
    public static void apply(Admin admin, Topics topics, Collection<Device> devices, short replication)
            throws InterruptedException {
        Optional<String> tooOld = shareGroupProblem(admin);
        if (tooOld.isPresent()) {
            throw new UnsupportedVersionException(tooOld.get());
        }
        List<TopicSpec> wanted = wanted(topics, devices);
        Map<String, TopicDescription> present = describe(admin, names(wanted));
        for (TopicSpec spec : wanted) {
            TopicDescription found = present.get(spec.name());
            if (found != null && found.partitions().size() != spec.partitions()) {
                throw new IllegalStateException(wrongPartitions(spec, found));
            }
        }
        create(
                admin,
                wanted.stream()
                        .filter(spec -> !present.containsKey(spec.name()))
                        .toList(),
                replication);
        Map<ConfigResource, Map<String, String>> settings = new LinkedHashMap<>();
        configs(admin, groups(topics, devices)).forEach((group, config) -> {
            Map<String, String> groupSettings = new LinkedHashMap<>(SHARE_GROUP);
            if (lockProblem(group.name(), value(config, LOCK)).isPresent()) {
                groupSettings.put(LOCK, USUAL_LOCK_MILLIS);
            }
            settings.put(group, groupSettings);
        });
        for (TopicSpec spec : wanted) {
            settings.put(new ConfigResource(ConfigResource.Type.TOPIC, spec.name()), configs(spec, replication));
        }
        alter(admin, settings);
        awaitVisible(admin, topics, devices);
    }

    /** What would keep Millrace from working on this cluster, one sentence each; empty if all is well. */
    public static List<String> problems(Admin admin, Topics topics, Collection<Device> devices)
            throws InterruptedException {
        List<TopicSpec> wanted = wanted(topics, devices);
        Map<String, TopicDescription> present = describe(admin, names(wanted));
        List<String> problems = new ArrayList<>();
        shareGroupProblem(admin).ifPresent(problems::add);
        for (TopicSpec spec : wanted) {
            TopicDescription found = present.get(spec.name());
            if (found == null) {
                problems.add("topic '" + spec.name() + "' does not exist; run 'millrace topics apply'");
            } else if (found.partitions().size() != spec.partitions()) {
                problems.add(wrongPartitions(spec, found));
            }
        }
        configs(admin, groups(topics, devices)).forEach((group, config) -> {
            SHARE_GROUP.forEach((setting, value) -> {
                String actual = value(config, setting).orElse("not known to the broker");
                if (!value.equals(actual)) {
                    problems.add("share group '" + group.name() + "' has " + setting + "=" + actual + " instead of "
                            + value + "; run 'millrace topics apply' before its workers start");
                }
            });
            lockProblem(group.name(), value(config, LOCK)).ifPresent(problems::add);
        });
        return problems;
    }

    /** Why the cluster has no share groups, without which a worker would take no job, ever; empty if it has them. */
    public static Optional<String> shareGroupProblem(Admin admin) throws InterruptedException {
        FinalizedVersionRange range = await(admin.describeFeatures().featureMetadata())
                .finalizedFeatures()
                .get(SHARE_FEATURE);
        return range != null && range.maxVersionLevel() >= 1
                ? Optional.empty()
                : Optional.of("the cluster has no share groups (feature " + SHARE_FEATURE
                        + "); upgrade to Kafka 4.3 and run 'kafka-features.sh upgrade --release-version 4.3'");
    }

    /**
     * A broker answers before it has learned of what was changed. A consumer that joined in between would take the
     * default settings of its share group, and miss every job that is there already.
     */
    private static void awaitVisible(Admin admin, Topics topics, Collection<Device> devices)
            throws InterruptedException {
        long deadlineNanos = System.nanoTime() + PATIENCE.toNanos();
        List<String> problems = problems(admin, topics, devices);
        while (!problems.isEmpty()) {
            if (System.nanoTime() - deadlineNanos > 0) {
                throw new IllegalStateException("after " + PATIENCE.toSeconds() + " s the cluster still differs: "
                        + String.join("; ", problems));
            }
            Thread.sleep(PAUSE);
            problems = problems(admin, topics, devices);
        }
        awaitLeaders(admin, wanted(topics, devices));
    }

    /**
     * A partition exists before its leader answers. A producer's first batch would be refused there and its second one
     * taken, and then the first is out of order for as long as it is tried (measured, Kafka 4.3.1: 20 s and more).
     */
    private static void awaitLeaders(Admin admin, List<TopicSpec> specs) throws InterruptedException {
        Map<TopicPartition, OffsetSpec> ends = specs.stream()
                .flatMap(spec -> IntStream.range(0, spec.partitions())
                        .mapToObj(partition -> new TopicPartition(spec.name(), partition)))
                .collect(Collectors.toMap(Function.identity(), _ -> OffsetSpec.latest()));
        // Only a leader knows the end; the client asks again until one answers.
        await(admin.listOffsets(ends).all());
    }

    private static List<TopicSpec> wanted(Topics topics, Collection<Device> devices) {
        Stream<TopicSpec> jobs = devices.stream()
                .sorted()
                .distinct()
                .flatMap(device -> Arrays.stream(StageName.values()).map(stage -> topics.jobTopic(stage, device)));
        return Stream.concat(topics.fixed().stream(), jobs).toList();
    }

    private static Set<String> names(List<TopicSpec> specs) {
        return specs.stream().map(TopicSpec::name).collect(Collectors.toSet());
    }

    private static String wrongPartitions(TopicSpec spec, TopicDescription found) {
        return "topic '" + spec.name() + "' has " + found.partitions().size() + " partitions but must have "
                + spec.partitions() + "; use another topic prefix, or delete the topic while nothing runs";
    }

    /** The topics that are there. They are asked for by name: a list would leave out what this user may not see. */
    private static Map<String, TopicDescription> describe(Admin admin, Set<String> names) throws InterruptedException {
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

    private static void create(Admin admin, List<TopicSpec> missing, short replication) throws InterruptedException {
        Map<String, KafkaFuture<Void>> created = admin.createTopics(missing.stream()
                        .map(spec -> new NewTopic(spec.name(), spec.partitions(), replication)
                                .configs(configs(spec, replication)))
                        .toList())
                .values();
        for (Map.Entry<String, KafkaFuture<Void>> topic : created.entrySet()) {
            try {
                await(topic.getValue(), AclOperation.CREATE, ResourceType.TOPIC, topic.getKey());
            } catch (TopicExistsException e) {
                // Another process applied at the same moment.
            }
        }
    }

    private static Map<String, String> configs(TopicSpec spec, short replication) {
        Map<String, String> configs = new LinkedHashMap<>(spec.configs());
        configs.put("min.insync.replicas", Integer.toString(Math.max(1, replication - 1)));
        return configs;
    }

    /** Why a share group's leases would not hold; empty if they do. */
    static Optional<String> lockProblem(String group, Optional<String> millis) {
        String found = millis.orElse("not known to the broker");
        boolean fits = found.matches("[0-9]{1,9}")
                && Long.parseLong(found) >= SHORTEST_LOCK_MILLIS
                && Long.parseLong(found) <= LONGEST_LOCK_MILLIS;
        return fits
                ? Optional.empty()
                : Optional.of("share group '" + group + "' has " + LOCK + "=" + found + ", expected "
                        + SHORTEST_LOCK_MILLIS + " to " + LONGEST_LOCK_MILLIS + " ms: "
                        + "a worker renews its lease, and shows that it lives, each third of it;"
                        + " run 'millrace topics apply'");
    }

    private static Optional<String> value(Config config, String setting) {
        return Optional.ofNullable(config.get(setting)).map(ConfigEntry::value);
    }

    private static Set<ConfigResource> groups(Topics topics, Collection<Device> devices) {
        Set<ConfigResource> groups = new LinkedHashSet<>();
        for (Device device : devices) {
            for (StageName stage : StageName.values()) {
                groups.add(new ConfigResource(ConfigResource.Type.GROUP, topics.shareGroup(stage, device)));
            }
        }
        return groups;
    }

    private static Map<ConfigResource, Config> configs(Admin admin, Set<ConfigResource> resources)
            throws InterruptedException {
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

    private static void alter(Admin admin, Map<ConfigResource, Map<String, String>> settings)
            throws InterruptedException {
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
