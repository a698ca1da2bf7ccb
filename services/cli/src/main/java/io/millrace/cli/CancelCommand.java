package io.millrace.cli;

import io.millrace.events.OperatorRequest;
import io.millrace.events.RunChanged;
import java.io.IOException;
import java.time.Instant;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Ends a run. */
@Command(
        name = "cancel",
        description = "Ends a run; its job is interrupted unless another run waits for it too.",
        mixinStandardHelpOptions = true,
        footer = {"", "Example:", "  millrace cancel 3f9a12"})
final class CancelCommand implements Callable<Integer> {
    @Mixin
    private final Cluster cluster = new Cluster();

    @Mixin
    private final Output output = new Output();

    @Mixin
    private final OperatorOptions request = new OperatorOptions();

    @Override
    public Integer call() throws IOException {
        RunChanged run = request.ask(cluster.connect(), OperatorRequest.Kind.CANCEL, Instant.now());
        output.print(
                run,
                () -> "asked to cancel run " + run.run().digest().abbreviated() + " ("
                        + run.status().wireName() + " until now); see 'millrace runs'");
        return ExitCode.OK;
    }
}
