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
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Creates the topics and the settings of their share groups, and says where a cluster differs from them. */
public final class TopicAdmin {
    private static final Logger LOG = LoggerFactory.getLogger(TopicAdmin.class);
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration PAUSE = Duration.ofMillis(50);

    private TopicAdmin() {}

    /**
     * Makes the cluster as it should be, and returns when it is seen to be; doing it again changes nothing.
     *
     * @param devices whose job topics are wanted
     * @param replication copies of each partition; all but one of them must confirm a write
     * @throws InvalidPartitionsException if a topic has another number of partitions: keys would move to other
     *     partitions than their state
     * @throws IllegalStateException if the cluster does not become as it should within half a minute
     * @throws UnsupportedVersionException if the cluster has no share groups
     * @throws KafkaException if the cluster does not answer or refuses
     */
    public static void apply(Admin admin, Topics topics, Collection<Device> devices, short replication)
            throws InterruptedException {
        Optional<String> tooOld = shareGroupProblem(admin);
        if (tooOld.isPresent()) {
            throw new UnsupportedVersionException(tooOld.get());
        }
        ClusterAdmin cluster = new ClusterAdmin(admin);
        List<TopicSpec> wanted = wanted(topics, devices);
        create(cluster, wanted, replication);
        Map<ConfigResource, Map<String, String>> settings = new LinkedHashMap<>();
        cluster.configs(ShareGroups.of(topics, devices))
                .forEach((group, present) -> settings.put(group, ShareGroups.wanted(group.name(), present)));
        for (TopicSpec spec : wanted) {
            settings.put(new ConfigResource(ConfigResource.Type.TOPIC, spec.name()), configs(spec, replication));
        }
        cluster.set(settings);
        awaitVisible(cluster, topics, devices);
    }

    /** The identities of those of these topics that are there: one that was deleted and made again has another. */
    public static Map<String, Uuid> identities(Admin admin, Set<String> names) throws InterruptedException {
        return new ClusterAdmin(admin)
                .topics(names).values().stream()
                        .collect(Collectors.toMap(TopicDescription::name, TopicDescription::topicId));
    }

    /** Deletes the topics that are to be made anew, and returns when they are seen to be gone. */
    public static void delete(Admin admin, Predicate<String> unwanted) throws InterruptedException {
        ClusterAdmin cluster = new ClusterAdmin(admin);
        Set<String> names = cluster.names().stream().filter(unwanted).collect(Collectors.toSet());
        if (names.isEmpty()) {
            return;
        }
        LOG.atWarn().addKeyValue("topics", names).log("topics are deleted, to be made anew");
        cluster.delete(names);
        long deadlineNanos = System.nanoTime() + PATIENCE.toNanos();
        while (!cluster.topics(names).isEmpty()) {
            if (System.nanoTime() - deadlineNanos > 0) {
                throw new IllegalStateException(
                        "after " + PATIENCE.toSeconds() + " s the cluster still has deleted topics, of " + names);
            }
            Thread.sleep(PAUSE);
        }
    }

    /** Whether no record was ever put into this topic, which has one partition. */
    public static boolean isUnused(Admin admin, String topic) throws InterruptedException {
        return new ClusterAdmin(admin).end(topic) == 0;
    }

    private static void create(ClusterAdmin cluster, List<TopicSpec> wanted, short replication)
            throws InterruptedException {
        Map<String, TopicDescription> present = cluster.topics(names(wanted));
        List<NewTopic> missing = new ArrayList<>();
        for (TopicSpec spec : wanted) {
            TopicDescription found = present.get(spec.name());
            if (found == null) {
                missing.add(
                        new NewTopic(spec.name(), spec.partitions(), replication).configs(configs(spec, replication)));
            } else if (found.partitions().size() != spec.partitions()) {
                throw new InvalidPartitionsException(wrongPartitions(spec, found));
            }
        }
        cluster.create(missing);
    }

    /** What would keep Millrace from working on this cluster, one sentence each; empty if all is well. */
    public static List<String> problems(Admin admin, Topics topics, Collection<Device> devices)
            throws InterruptedException {
        return problems(new ClusterAdmin(admin), topics, devices);
    }

    private static List<String> problems(ClusterAdmin cluster, Topics topics, Collection<Device> devices)
            throws InterruptedException {
        List<TopicSpec> wanted = wanted(topics, devices);
        Map<String, TopicDescription> present = cluster.topics(names(wanted));
        List<String> problems = new ArrayList<>();
        String remedy = remedy(topics, devices);
        ShareGroups.problem(cluster.features()).ifPresent(problems::add);
        List<String> missing = new ArrayList<>();
        for (TopicSpec spec : wanted) {
            TopicDescription found = present.get(spec.name());
            if (found == null) {
                missing.add(spec.name());
            } else if (found.partitions().size() != spec.partitions()) {
                problems.add(wrongPartitions(spec, found));
            }
        }
        if (!missing.isEmpty()) {
            problems.add(absent(missing) + "; " + remedy);
        }
        cluster.configs(ShareGroups.of(topics, devices))
                .forEach((group, config) -> problems.addAll(ShareGroups.problems(group.name(), config, remedy)));
        return problems;
    }

    /**
     * Which of these topics are there; a topic that this user may not see is an error, unlike in Kafka's own list.
     *
     * @throws KafkaException if the cluster does not answer or refuses
     */
    public static Set<String> present(Admin admin, Set<String> names) throws InterruptedException {
        return new ClusterAdmin(admin).topics(names).keySet();
    }

    /** Why the cluster has no share groups, without which a worker would take no job, ever; empty if it has them. */
    public static Optional<String> shareGroupProblem(Admin admin) throws InterruptedException {
        return ShareGroups.problem(new ClusterAdmin(admin).features());
    }

    /**
     * A broker answers before it has learned of what was changed. A consumer that joined in between would take the
     * default settings of its share group, and miss every job that is there already.
     */
    private static void awaitVisible(ClusterAdmin cluster, Topics topics, Collection<Device> devices)
            throws InterruptedException {
        long deadlineNanos = System.nanoTime() + PATIENCE.toNanos();
        List<String> problems = problems(cluster, topics, devices);
        while (!problems.isEmpty()) {
            if (System.nanoTime() - deadlineNanos > 0) {
                throw new IllegalStateException("after " + PATIENCE.toSeconds() + " s the cluster still differs: "
                        + String.join("; ", problems));
            }
            Thread.sleep(PAUSE);
            problems = problems(cluster, topics, devices);
        }
        cluster.awaitLeaders(wanted(topics, devices));
    }

    private static List<TopicSpec> wanted(Topics topics, Collection<Device> devices) {
        Stream<TopicSpec> jobs = devices.stream()
                .sorted()
                .distinct()
                .flatMap(device -> Arrays.stream(StageName.values()).map(stage -> topics.jobTopic(stage, device)));
        return Stream.concat(topics.fixed().stream(), jobs).toList();
    }

    /** What mends the cluster, with all that the command must be told of these topics. */
    static String remedy(Topics topics, Collection<Device> devices) {
        String classes = devices.stream().sorted().distinct().map(Device::name).collect(Collectors.joining(","));
        return "run 'millrace topics apply --kafka HOST:PORT"
                + (classes.isEmpty() ? "" : " --devices " + classes)
                + (topics.equals(Topics.DEFAULT) ? "" : " --topic-prefix " + topics.prefix())
                + "'";
    }

    private static String absent(List<String> topics) {
        String first = "topic '" + topics.getFirst() + "'";
        return topics.size() == 1
                ? first + " does not exist"
                : first + " and " + (topics.size() - 1) + " more of this prefix do not exist";
    }

    private static Set<String> names(List<TopicSpec> specs) {
        return specs.stream().map(TopicSpec::name).collect(Collectors.toSet());
    }

    private static String wrongPartitions(TopicSpec spec, TopicDescription found) {
        return "topic '" + spec.name() + "' has " + found.partitions().size() + " partitions but must have "
                + spec.partitions() + "; use another topic prefix, or delete the topic while nothing runs";
    }

    private static Map<String, String> configs(TopicSpec spec, short replication) {
        Map<String, String> configs = new LinkedHashMap<>(spec.configs());
        configs.put("min.insync.replicas", Integer.toString(Math.max(1, replication - 1)));
        return configs;
    }
}
