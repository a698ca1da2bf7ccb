package io.millrace.cli;

import io.millrace.events.Policy;
import io.millrace.events.policy.PolicyDraft;
import io.millrace.store.ArtifactStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Puts a policy in force. */
@Command(
        name = "apply",
        description =
                "Puts a policy in force: stores the files it names, replaces the policy of the same name, and plans the"
                        + " newest checkpoint of each model that it matches.",
        mixinStandardHelpOptions = true,
        footer = {"", "Example:", "  millrace policy apply chat-models.yaml --backfill 5"})
final class PolicyApplyCommand implements Callable<Integer> {
    @Mixin
    private final Cluster cluster = new Cluster();

    @Mixin
    private final Output output = new Output();

    @Parameters(paramLabel = "FILE", description = "The policy, in YAML.")
    private Path file = Path.of("");

    @Option(
            names = "--backfill",
            paramLabel = "N|all",
            description =
                    "How many of the newest checkpoints of each model are planned, with 2 or more also those that newer"
                            + " ones superseded (default: ${DEFAULT-VALUE}).")
    private String backfill = "1";

    @Override
    public Integer call() throws IOException {
        int checkpoints = Backfill.parse(backfill);
        PolicyDraft draft = PolicySource.read(file);
        PolicyText.require(file, draft);
        draft.remarks().forEach(output::remark);
        Connection connection = cluster.connect();
        try (TopicReader reader = connection.reader();
                ArtifactStore store = connection.store()) {
            Policy policy = resolve(connection, reader, store, draft, checkpoints);
            // Counted before it is in force: what has begun by then is not foretold.
            long runs = PlannedRuns.count(policy, reader, connection.topics(), Instant.now());
            connection.send(policy);
            output.print(
                    Map.of("policy", policy, "new-runs", runs),
                    () -> "policy '" + policy.name() + "' is in force (revision " + policy.revision() + "); "
                            + (runs == 0
                                    ? "no run starts now: no checkpoint of a model like '" + policy.models()
                                            + "' waits for it"
                                    : Text.count(runs, "run") + " will start"));
        }
        return ExitCode.OK;
    }

    /** The policy with its texts in the store, as it is to be sent. */
    static Policy resolve(
            Connection connection, TopicReader reader, ArtifactStore store, PolicyDraft draft, int checkpoints)
            throws IOException {
        long revision = reader.policies().nextRevision(draft.name());
        try {
            return draft.resolve(new StoredInputs(store), revision, checkpoints);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }
}
