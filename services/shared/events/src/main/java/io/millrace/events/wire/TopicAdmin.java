package io.millrace.events.wire;

import io.millrace.events.Device;
import io.millrace.events.StageName;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.TopicExistsException;

/** Creates the topics and the settings of their share groups, and says where a cluster differs from them. */
public final class TopicAdmin {
    /** Set before the first consumer joins: the defaults would skip old jobs and hand out aborted ones. */
    private static final Map<String, String> SHARE_GROUP = Map.of(
            "share.auto.offset.reset", "earliest",
            "share.isolation.level", "read_committed",
            "share.record.lock.duration.ms", "30000");

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
     * @throws KafkaException if the cluster does not answer or refuses
     */
    public static void apply(Admin admin, Topics topics, Collection<Device> devices, short replication)
            throws InterruptedException {
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
        Map<ConfigResource, Map<String, String>> settings = new LinkedHashMap<>(groupSettings(topics, devices));
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
        for (TopicSpec spec : wanted) {
            TopicDescription found = present.get(spec.name());
            if (found == null) {
                problems.add("topic '" + spec.name() + "' does not exist; run 'millrace topics apply'");
            } else if (found.partitions().size() != spec.partitions()) {
                problems.add(wrongPartitions(spec, found));
            }
        }
        Map<ConfigResource, Map<String, String>> groups = groupSettings(topics, devices);
        Map<ConfigResource, Config> found =
                await(admin.describeConfigs(groups.keySet()).all());
        groups.forEach((group, settings) -> settings.forEach((setting, value) -> {
            ConfigEntry entry = Objects.requireNonNull(found.get(group)).get(setting);
            String actual = entry == null ? "not known to the broker" : entry.value();
            if (!value.equals(actual)) {
                problems.add("share group '" + group.name() + "' has " + setting + "=" + actual + " instead of " + value
                        + "; run 'millrace topics apply' before its workers start");
            }
        }));
        return problems;
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

    private static Map<String, TopicDescription> describe(Admin admin, Set<String> names) throws InterruptedException {
        Set<String> present = await(admin.listTopics().names()).stream()
                .filter(names::contains)
                .collect(Collectors.toSet());
        return await(admin.describeTopics(present).allTopicNames());
    }

    private static void create(Admin admin, List<TopicSpec> missing, short replication) throws InterruptedException {
        Map<String, KafkaFuture<Void>> created = admin.createTopics(missing.stream()
                        .map(spec -> new NewTopic(spec.name(), spec.partitions(), replication)
                                .configs(configs(spec, replication)))
                        .toList())
                .values();
        for (KafkaFuture<Void> topic : created.values()) {
            try {
                await(topic);
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

    private static Map<ConfigResource, Map<String, String>> groupSettings(Topics topics, Collection<Device> devices) {
        Map<ConfigResource, Map<String, String>> groups = new LinkedHashMap<>();
        for (Device device : devices) {
            for (StageName stage : StageName.values()) {
                groups.put(
                        new ConfigResource(ConfigResource.Type.GROUP, topics.shareGroup(stage, device)), SHARE_GROUP);
            }
        }
        return groups;
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
        await(admin.incrementalAlterConfigs(operations).all());
    }

    private static <T> T await(KafkaFuture<T> future) throws InterruptedException {
        try {
            return future.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof KafkaException cause ? cause : new KafkaException(e.getCause());
        }
    }
}
