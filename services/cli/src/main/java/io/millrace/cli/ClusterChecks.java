package io.millrace.cli;

import io.millrace.cli.DoctorCommand.Finding;
import io.millrace.events.Device;
import io.millrace.events.wire.TopicAdmin;
import io.millrace.events.wire.Topics;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Conformance;
import io.millrace.store.Stores;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;

/** What {@code doctor} asks of Kafka and the store. */
final class ClusterChecks {
    /** As much as the conductor lets a publisher's clock be ahead. */
    private static final Duration CLOCKS_APART = Duration.ofMinutes(5);

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

    /** Needs no broker. */
    static Finding store(String place) throws InterruptedException {
        try (ArtifactStore store = Stores.open(place)) {
            Conformance conformance = Conformance.of(store);
            return new Finding(
                    "store",
                    conformance.fit(),
                    conformance.fit() ? place + " keeps its promises" : String.join("; ", conformance.problems()));
        } catch (IOException e) {
            return new Finding("store", false, String.valueOf(e.getMessage()));
        }
    }
}
