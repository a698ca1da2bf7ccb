package io.millrace.cli;

import io.millrace.cli.DoctorCommand.Finding;
import io.millrace.events.Device;
import io.millrace.events.wire.TopicAdmin;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Conformance;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.FinalizedVersionRange;

/** What {@code doctor} asks of Kafka and the store. */
final class ClusterChecks {
    private static final String SHARE_GROUPS = "share.version";

    private ClusterChecks() {}

    static List<Finding> broker(Connection connection, List<Device> devices) throws InterruptedException {
        List<Finding> findings = new ArrayList<>();
        findings.add(new Finding("broker", true, "answers at " + connection.address()));
        try (Admin admin = connection.admin()) {
            findings.add(shareGroups(admin));
            List<String> problems = TopicAdmin.problems(admin, connection.topics(), devices);
            if (problems.isEmpty()) {
                findings.add(new Finding("topics", true, "topics and share groups are as they should be"));
            }
            problems.forEach(problem -> findings.add(new Finding("topics", false, problem)));
        }
        return findings;
    }

    private static Finding shareGroups(Admin admin) throws InterruptedException {
        try {
            FinalizedVersionRange range = admin.describeFeatures()
                    .featureMetadata()
                    .get()
                    .finalizedFeatures()
                    .get(SHARE_GROUPS);
            int level = range == null ? 0 : range.maxVersionLevel();
            return new Finding(
                    "share groups",
                    level >= 1,
                    level >= 1
                            ? SHARE_GROUPS + "=" + level
                            : "the cluster has no share groups; upgrade to Kafka 4.3 and run"
                                    + " 'kafka-features.sh upgrade --release-version 4.3'");
        } catch (ExecutionException e) {
            return new Finding("share groups", false, "the broker does not tell its features: " + e.getMessage());
        }
    }

    static Finding store(Connection connection) throws IOException, InterruptedException {
        try (ArtifactStore store = connection.store()) {
            Conformance conformance = Conformance.of(store);
            return new Finding(
                    "store",
                    conformance.fit(),
                    conformance.fit()
                            ? connection.storePlace().orElse("") + " keeps its promises"
                            : String.join("; ", conformance.problems()));
        }
    }
}
