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
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Checks a policy without applying it. */
@Command(
        name = "check",
        description =
                "Checks a policy file, and whether each rung can pass for the newest checkpoint of each model that it"
                        + " matches, if a Millrace runs that has such. Ends with 6 if a rung can never pass.",
        mixinStandardHelpOptions = true,
        footer = {"", "Example:", "  millrace policy check chat-models.yaml"})
final class PolicyCheckCommand implements Callable<Integer> {
    @Mixin
    private final Cluster cluster = new Cluster();

    @Mixin
    private final Output output = new Output();

    @Parameters(paramLabel = "FILE", description = "The policy, in YAML.")
    private Path file = Path.of("");

    @Option(names = "--model", paramLabel = "MODEL", description = "Check the rungs against this model alone.")
    private @Nullable String model;

    /** A target of the policy that has a rung without hope for this model. */
    record Finding(ModelName model, String target, ImpossibleRung rung) {}

    @Override
    public Integer call() throws IOException {
        PolicyDraft draft = PolicySource.read(file);
        PolicyText.require(file, draft);
        draft.remarks().forEach(output::remark);
        // The rungs do not depend on what is in the files, so nothing is stored for a check.
        Policy policy = draft.resolve(PolicyInputs.UNSTORED, 1, 1);
        List<CheckpointPublished> checkpoints = model == null ? newest(policy) : List.of(newest(new ModelName(model)));
        List<Finding> findings = findings(policy, checkpoints);
        output.print(
                Map.of(
                        "policy", policy.name(),
                        "targets", policy.targets().size(),
                        "models",
                                checkpoints.stream()
                                        .map(CheckpointPublished::model)
                                        .toList(),
                        "impossible", findings),
                () -> text(policy, checkpoints, findings));
        return findings.isEmpty() ? ExitCode.OK : ExitCode.UNSUCCESSFUL;
    }

    private static List<Finding> findings(Policy policy, List<CheckpointPublished> checkpoints) {
        List<Finding> findings = new ArrayList<>();
        for (CheckpointPublished checkpoint : checkpoints) {
            for (Target target : policy.targets()) {
                for (ImpossibleRung rung : PolicyCheck.impossibleRungs(checkpoint.numbers(), target)) {
                    findings.add(new Finding(checkpoint.model(), target.name(), rung));
                }
            }
        }
        return findings;
    }

    private CheckpointPublished newest(ModelName name) throws IOException {
        List<CheckpointPublished> checkpoints = checkpoints(cluster.connect()).get(name);
        if (checkpoints == null) {
            throw new CommandFailure(ExitCode.NOT_FOUND, "no checkpoint of model '" + name + "' was published");
        }
        return checkpoints.getFirst();
    }

    /** Of each model that the policy matches, if there is a Millrace that knows any. */
    private List<CheckpointPublished> newest(Policy policy) throws IOException {
        Optional<Connection> connection = cluster.connectIfThere();
        if (connection.isEmpty()) {
            return List.of();
        }
        return checkpoints(connection.get()).values().stream()
                .map(List::getFirst)
                .filter(checkpoint -> policy.matches(checkpoint.model()))
                .sorted(Comparator.comparing(checkpoint -> checkpoint.model().value()))
                .toList();
    }

    private static Map<ModelName, List<CheckpointPublished>> checkpoints(Connection connection) {
        try (TopicReader reader = connection.reader()) {
            return PlannedRuns.newestFirst(reader, connection.topics());
        }
    }

    private static String text(Policy policy, List<CheckpointPublished> checkpoints, List<Finding> findings) {
        StringBuilder text = new StringBuilder();
        for (Finding finding : findings) {
            text.append("model '")
                    .append(finding.model())
                    .append("', target '")
                    .append(finding.target())
                    .append("', rung ")
                    .append(finding.rung().rung() + 1)
                    .append(" (")
                    .append(finding.rung().recipe())
                    .append("): ")
                    .append(finding.rung().reason())
                    .append('\n');
        }
        text.append("policy '")
                .append(policy.name())
                .append("' is well formed, ")
                .append(Text.count(policy.targets().size(), "target"))
                .append("; ");
        if (checkpoints.isEmpty()) {
            return text.append("whether each rung can pass was not looked at: no checkpoint of a model like '")
                    .append(policy.models())
                    .append("' is known here (--home, --kafka)")
                    .toString();
        }
        return text.append(Text.count(findings.size(), "rung"))
                .append(" that can never pass for ")
                .append(checkpoints.stream()
                        .map(checkpoint -> checkpoint.model().value())
                        .collect(Collectors.joining(", ")))
                .toString();
    }
}
