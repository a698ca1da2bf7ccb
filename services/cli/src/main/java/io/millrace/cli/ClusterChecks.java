package io.millrace.cli;

import io.millrace.cli.DoctorCommand.Finding;
import io.millrace.events.Device;
import io.millrace.events.wire.TopicAdmin;
import io.millrace.events.wire.Topics;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Conformance;
import io.millrace.store.Stores;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.ClusterAuthorizationException;
import org.jspecify.annotations.Nullable;

/** What {@code doctor} asks of Kafka and the store. */
final class ClusterChecks {
    /** As much as the conductor lets a publisher's clock be ahead. */
    private static final Duration CLOCKS_APART = Duration.ofMinutes(5);

    private static final String OFFSETS_RETENTION = "offsets.retention.minutes";

    /** What Kafka does by itself. */
    private static final Duration OFFSETS_KEPT = Duration.ofDays(7);

    private ClusterChecks() {}

    static List<Finding> broker(Connection connection, List<Device> devices) throws InterruptedException {
        List<Finding> findings = new ArrayList<>();
        findings.add(new Finding("broker", true, "answers at " + connection.address()));
        try (Admin admin = connection.admin()) {
            Optional<String> tooOld = TopicAdmin.shareGroupProblem(admin);
            findings.add(new Finding("share groups", tooOld.isEmpty(), tooOld.orElse("the cluster has them")));
            if (tooOld.isEmpty()) {
                List<String> problems = TopicAdmin.problems(admin, connection.topics(), devices);
                if (problems.isEmpty()) {
                    findings.add(new Finding("topics", true, "topics and share groups are as they should be"));
                    findings.add(clocks(admin, connection.topics(), Instant.now()));
                    findings.add(offsets(admin));
                    findings.add(
                            HangingTransactions.of(admin, connection.address(), connection.topics(), Instant.now()));
                    findings.addAll(policies(connection));
                }
                problems.forEach(problem -> findings.add(new Finding("topics", false, problem)));
            }
        }
        return findings;
    }

    private static List<Finding> policies(Connection connection) {
        try (TopicReader reader = connection.reader()) {
            PolicyBook book = reader.policies();
            return book.damaged().isEmpty()
                    ? List.of(new Finding("policies", true, book.inForce().size() + " in force"))
                    : book.damaged().stream()
                            .map(entry -> new Finding("policies", false, entry.toString()))
                            .toList();
        }
    }

    /**
     * Records carry the time of who wrote them, or the broker's: one from the future means that clocks disagree. A clock
     * here that is ahead of theirs cannot be seen so.
     */
    static Finding clocks(Admin admin, Topics topics, Instant now) throws InterruptedException {
        List<String> written = List.of(topics.checkpoints(), topics.jobEvents(), topics.runs(), topics.models());
        try {
            Map<TopicPartition, OffsetSpec> newest = new HashMap<>();
            admin.describeTopics(written)
                    .allTopicNames()
                    .get()
                    .forEach((topic, description) -> description
                            .partitions()
                            .forEach(partition -> newest.put(
                                    new TopicPartition(topic, partition.partition()), OffsetSpec.maxTimestamp())));
            return admin.listOffsets(newest).all().get().entrySet().stream()
                    .filter(entry -> entry.getValue().timestamp()
                            > now.plus(CLOCKS_APART).toEpochMilli())
                    .findFirst()
                    .map(entry -> new Finding(
                            "clocks",
                            false,
                            "the newest record of " + entry.getKey().topic() + " is of "
                                    + Instant.ofEpochMilli(entry.getValue().timestamp()) + ", but it is " + now
                                    + " here; let this machine, the brokers and the services take their time from one"
                                    + " server (NTP)"))
                    .orElseGet(() -> new Finding("clocks", true, "no record comes from the future"));
        } catch (ExecutionException e) {
            return new Finding("clocks", false, "not compared: " + e.getCause());
        }
    }

    /** Who may not see the settings of brokers is told so, and nothing is wrong. */
    static Finding offsets(Admin admin) throws InterruptedException {
        try {
            List<ConfigResource> brokers = admin.describeCluster().nodes().get().stream()
                    .map(node -> new ConfigResource(ConfigResource.Type.BROKER, node.idString()))
                    .toList();
            Map<String, Duration> kept = new TreeMap<>();
            admin.describeConfigs(brokers)
                    .all()
                    .get()
                    .forEach((broker, config) -> Optional.ofNullable(config.get(OFFSETS_RETENTION))
                            .map(ConfigEntry::value)
                            .ifPresent(
                                    minutes -> kept.put(broker.name(), Duration.ofMinutes(Long.parseLong(minutes)))));
            return offsets(kept);
        } catch (ExecutionException e) {
            return offsetsUnknown(e.getCause());
        }
    }

    static Finding offsetsUnknown(@Nullable Throwable why) {
        String reason = why instanceof ClusterAuthorizationException
                ? "this user may not see the settings of brokers (DescribeConfigs on the cluster)"
                : String.valueOf(why);
        return new Finding("offsets", true, "how long they are kept is not known: " + reason);
    }

    /** @param kept how long each broker keeps the offsets of a group without members */
    static Finding offsets(Map<String, Duration> kept) {
        Optional<Map.Entry<String, Duration>> shortest =
                kept.entrySet().stream().min(Map.Entry.comparingByValue());
        if (shortest.isEmpty()) {
            return new Finding("offsets", true, "no broker says how long they are kept");
        }
        String broker = shortest.get().getKey();
        Duration time = shortest.get().getValue();
        String effect =
                "a conductor that is down for longer than " + days(time) + " reads all that its topics hold once more";
        return time.compareTo(OFFSETS_KEPT) < 0
                ? new Finding(
                        "offsets",
                        false,
                        effect + ": " + OFFSETS_RETENTION + " of broker " + broker + " is " + time.toMinutes()
                                + "; set it to " + OFFSETS_KEPT.toMinutes()
                                + " or more, which is what Kafka does by itself")
                : new Finding("offsets", true, effect);
    }

    private static String days(Duration time) {
        return time.toHours() % 24 == 0 ? Text.count(time.toDays(), "day") : time.toMinutes() + " minutes";
    }

    /** Needs no broker. */
    static Finding store(String place) throws InterruptedException {
        try {
            // To open it would make it, and a mistyped address would be fine.
            Optional<Path> missing = Stores.folderOf(place).filter(Files::notExists);
            return missing.isPresent()
                    ? new Finding(
                            "store",
                            false,
                            "there is no folder " + missing.get()
                                    + "; name another with --store, or make it if the store is to be a new one")
                    : conformance(place);
        } catch (IOException e) {
            return new Finding("store", false, FileProblem.of(e).orElse(String.valueOf(e.getMessage())));
        }
    }

    private static Finding conformance(String place) throws IOException, InterruptedException {
        try (ArtifactStore store = Stores.open(place)) {
            Conformance conformance = Conformance.of(store);
            return new Finding(
                    "store",
                    conformance.fit(),
                    conformance.fit() ? place + " keeps its promises" : String.join("; ", conformance.problems()));
        }
    }
}
