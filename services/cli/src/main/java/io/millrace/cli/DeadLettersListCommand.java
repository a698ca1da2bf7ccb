package io.millrace.cli;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Lists dead letters. */
@Command(
        name = "list",
        description = "Lists the records that could not be read: where each came from and why.",
        mixinStandardHelpOptions = true,
        footer = {"", "Example:", "  millrace dead-letters list --output json"})
final class DeadLettersListCommand implements Callable<Integer> {
    @Mixin
    private final Cluster cluster = new Cluster();

    @Mixin
    private final Output output = new Output();

    @Override
    public Integer call() throws IOException {
        Connection connection = cluster.connect();
        try (TopicReader reader = connection.reader()) {
            List<DeadLetter> letters =
                    DeadLetter.of(reader.records(connection.topics().deadLetters()));
            output.table(
                    letters,
                    List.of("number", "since", "from", "met by", "size", "why"),
                    letters.stream().map(DeadLetter::row).toList(),
                    "no dead letters");
        }
        return ExitCode.OK;
    }
}
