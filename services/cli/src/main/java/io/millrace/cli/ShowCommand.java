package io.millrace.cli;

import io.millrace.events.RunChanged;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Shows all there is to know of one run. */
@Command(
        name = "show",
        description = "Shows a run: every step, attempt, piece of evidence, decision and artifact.",
        mixinStandardHelpOptions = true,
        footer = {"", "Example:", "  millrace show 3f9a12"})
final class ShowCommand implements Callable<Integer> {
    @Mixin
    private final Cluster cluster = new Cluster();

    @Mixin
    private final Output output = new Output();

    @Parameters(paramLabel = "RUN", description = "The run's identifier, or its first digits.")
    private String run = "";

    @Override
    public Integer call() throws IOException {
        Connection connection = cluster.connect();
        try (TopicReader reader = connection.reader()) {
            RunChanged found = RunFinder.find(reader.latest(connection.topics().runs(), RunChanged.class), run);
            RunReport report = RunReport.read(found, reader, connection.topics());
            output.print(report, report::text);
        }
        return ExitCode.OK;
    }
}
