package io.millrace.cli;

import io.millrace.cli.DoctorCommand.Finding;
import io.millrace.events.Device;
import io.millrace.events.wire.TopicAdmin;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Conformance;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.clients.admin.Admin;

/** What {@code doctor} asks of Kafka and the store. */
final class ClusterChecks {
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
                }
                problems.forEach(problem -> findings.add(new Finding("topics", false, problem)));
            }
        }
        return findings;
    }

    static Finding store(Connection connection) throws InterruptedException {
        try (ArtifactStore store = connection.store()) {
            Conformance conformance = Conformance.of(store);
            return new Finding(
                    "store",
                    conformance.fit(),
                    conformance.fit()
                            ? connection.storePlace().orElse("") + " keeps its promises"
                            : String.join("; ", conformance.problems()));
        } catch (IOException e) {
            return new Finding("store", false, String.valueOf(e.getMessage()));
        }
    }
}
