package io.millrace.cli;

import io.millrace.events.Policy;
import io.millrace.events.Target;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Lists policies. */
@Command(
        name = "list",
        description = "Lists the policies in force.",
        mixinStandardHelpOptions = true,
        footer = {"", "Example:", "  millrace policy list"})
final class PolicyListCommand implements Callable<Integer> {
    @Mixin
    private final Cluster cluster = new Cluster();

    @Mixin
    private final Output output = new Output();

    @Override
    public Integer call() throws IOException {
        Connection connection = cluster.connect();
        try (TopicReader reader = connection.reader()) {
            PolicyBook book = reader.policies();
            List<Policy> policies = book.inForce().stream()
                    .sorted(Comparator.comparing(Policy::name))
                    .toList();
            output.table(
                    policies,
                    List.of("policy", "models", "revision", "newer checkpoint", "targets"),
                    policies.stream()
                            .map(policy -> List.of(
                                    policy.name(),
                                    policy.models(),
                                    Long.toString(policy.revision()),
                                    policy.onNewer().name().toLowerCase(Locale.ROOT),
                                    policy.targets().stream().map(Target::name).collect(Collectors.joining(", "))))
                            .toList(),
                    "no policies; 'millrace policy apply FILE' adds one");
            book.damaged().forEach(entry -> output.remark(entry.toString()));
        }
        return ExitCode.OK;
    }
}
