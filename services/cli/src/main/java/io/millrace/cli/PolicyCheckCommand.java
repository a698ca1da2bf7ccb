package io.millrace.cli;

import io.millrace.events.CheckpointPublished;
import io.millrace.events.ModelName;
import io.millrace.events.Policy;
import io.millrace.events.Target;
import io.millrace.events.policy.ImpossibleRung;
import io.millrace.events.policy.PolicyCheck;
import io.millrace.events.policy.PolicyDraft;
import io.millrace.events.policy.PolicyInputs;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Checks a policy without applying it. */
@Command(
        name = "check",
        description = "Checks a policy file; with --model also whether each rung can pass for that model's newest"
                + " checkpoint. Ends with 6 if a rung can never pass.",
        mixinStandardHelpOptions = true,
        footer = {"", "Example:", "  millrace policy check chat-models.yaml --model chat-7b"})
final class PolicyCheckCommand implements Callable<Integer> {
    @Mixin
    private final Cluster cluster = new Cluster();

    @Mixin
    private final Output output = new Output();

    @Parameters(paramLabel = "FILE", description = "The policy, in YAML.")
    private Path file = Path.of("");

    @Option(names = "--model", paramLabel = "MODEL", description = "Check the rungs against this model.")
    private @Nullable String model;

    /** A target of the policy that has a rung without hope. */
    record Finding(String target, ImpossibleRung rung) {}

    @Override
    public Integer call() throws IOException {
        PolicyDraft draft = PolicySource.read(file);
        PolicyText.require(draft);
        List<Finding> findings = model == null ? List.of() : findings(draft, new ModelName(model));
        output.print(
                Map.of("policy", draft.name(), "targets", draft.targets().size(), "impossible", findings),
                () -> text(draft, findings));
        return findings.isEmpty() ? ExitCode.OK : ExitCode.UNSUCCESSFUL;
    }

    private List<Finding> findings(PolicyDraft draft, ModelName name) throws IOException {
        CheckpointPublished checkpoint = newest(name);
        // The rungs do not depend on what is in the files, so nothing is stored for a check.
        Policy policy = draft.resolve(PolicyInputs.UNSTORED, 1, 1);
        List<Finding> findings = new ArrayList<>();
        for (Target target : policy.targets()) {
            for (ImpossibleRung rung : PolicyCheck.impossibleRungs(checkpoint.numbers(), target)) {
                findings.add(new Finding(target.name(), rung));
            }
        }
        return findings;
    }

    private CheckpointPublished newest(ModelName name) throws IOException {
        Connection connection = cluster.connect();
        try (TopicReader reader = connection.reader()) {
            List<CheckpointPublished> checkpoints =
                    PlannedRuns.newestFirst(reader, connection.topics()).get(name);
            if (checkpoints == null) {
                throw new CommandFailure(ExitCode.NOT_FOUND, "no checkpoint of model '" + name + "' was published");
            }
            return checkpoints.getFirst();
        }
    }

    private static String text(PolicyDraft draft, List<Finding> findings) {
        StringBuilder text = new StringBuilder();
        for (Finding finding : findings) {
            text.append("target '")
                    .append(finding.target())
                    .append("', rung ")
                    .append(finding.rung().rung() + 1)
                    .append(" (")
                    .append(finding.rung().recipe())
                    .append("): ")
                    .append(finding.rung().reason())
                    .append('\n');
        }
        return text.append("policy '")
                .append(draft.name())
                .append("' is well formed, ")
                .append(draft.targets().size())
                .append(" targets, ")
                .append(findings.size())
                .append(" rungs that can never pass")
                .toString();
    }
}
