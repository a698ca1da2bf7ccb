package io.millrace.cli;

import io.millrace.events.OperatorRequest;
import io.millrace.events.RunChanged;
import java.io.IOException;
import java.time.Instant;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Takes a failed run up again, or computes an ended run anew. */
@Command(
        name = "retry",
        description = "Takes a failed run up where it stood; finished steps are answered from the store.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Examples:",
            "  millrace retry 3f9a12 --why 'disk is free again'",
            "  millrace retry 3f9a12 --recompute --why 'that machine had bad memory'"
        })
final class RetryCommand implements Callable<Integer> {
    @Mixin
    private final Cluster cluster = new Cluster();

    @Mixin
    private final Output output = new Output();

    @Mixin
    private final OperatorOptions request = new OperatorOptions();

    @Option(names = "--recompute", description = "Begin an ended run anew and take no result from the store.")
    private boolean recompute;

    @Override
    public Integer call() throws IOException {
        RunChanged run = request.ask(
                cluster.connect(),
                recompute ? OperatorRequest.Kind.RECOMPUTE : OperatorRequest.Kind.RETRY,
                Instant.now());
        output.print(
                run,
                () -> "asked to retry run " + run.run().digest().abbreviated() + " ("
                        + run.status().wireName() + " until now); see 'millrace runs'");
        return ExitCode.OK;
    }
}
