package io.millrace.cli;

import io.millrace.events.RunChanged;
import io.millrace.events.RunStatus;
import java.io.IOException;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.kafka.common.errors.InterruptException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Lists runs, once or until Ctrl-C. */
@Command(
        name = "runs",
        description = "Lists runs (a checkpoint on its way to one target), newest first.",
        mixinStandardHelpOptions = true,
        footer = {"", "Example:", "  millrace runs --model 'chat-7b' --watch"})
final class RunsCommand implements Callable<Integer> {
    private static final long WATCH_INTERVAL_MILLIS = 1000;
    private static final String CLEAR_SCREEN = "\u001b[H\u001b[2J";

    @Mixin
    private final Cluster cluster = new Cluster();

    @Mixin
    private final Output output = new Output();

    @Option(names = "--model", paramLabel = "MODEL", description = "Only runs of this model.")
    private @Nullable String model;

    @Option(names = "--active", description = "Only runs that have not ended.")
    private boolean active;

    @Option(
            names = "--watch",
            description =
                    "Shows them until Ctrl-C; where the output is no terminal, prints them again when they change: JSON in"
                            + " one line each time.")
    private boolean watch;

    @Override
    public Integer call() throws IOException {
        Connection connection = cluster.connect();
        try (TopicReader reader = connection.reader()) {
            List<RunChanged> shown = runs(reader, connection);
            print(shown);
            if (watch) {
                watchUntilStopped(reader, connection, shown);
            }
        }
        return ExitCode.OK;
    }

    private void watchUntilStopped(TopicReader reader, Connection connection, List<RunChanged> first) {
        try (StopSignal stop = StopSignal.installForService()) {
            stop.onRaise(Thread.currentThread()::interrupt);
            try {
                watch(reader, connection, first);
            } catch (InterruptedException | InterruptException _) {
                // It was shown until then, which is all that was asked for.
            } finally {
                // A signal that comes from here on finds nothing to interrupt.
                var _ = Thread.interrupted();
            }
        }
    }

    private void watch(TopicReader reader, Connection connection, List<RunChanged> first) throws InterruptedException {
        List<RunChanged> shown = first;
        while (true) {
            Thread.sleep(WATCH_INTERVAL_MILLIS);
            List<RunChanged> now = runs(reader, connection);
            boolean redrawn = !output.json() && Terminal.present();
            if (redrawn) {
                output.out().print(CLEAR_SCREEN);
            }
            // Where nothing is redrawn, in a log or a pipe, the same table again tells nothing.
            if (redrawn || !now.equals(shown)) {
                print(now);
                shown = now;
            }
        }
    }

    private List<RunChanged> runs(TopicReader reader, Connection connection) {
        return reader.latest(connection.topics().runs(), RunChanged.class).stream()
                .filter(run -> model == null || run.model().value().equals(model))
                .filter(run -> !active || !run.status().ended())
                .sorted(Comparator.comparing(RunChanged::requestedAt).reversed())
                .toList();
    }

    void print(List<RunChanged> runs) {
        if (watch && output.json()) {
            output.line(runs, () -> "");
            return;
        }
        Instant now = Instant.now();
        output.table(
                runs,
                List.of("run", "model", "version", "target", "status", "rung", "stage", "progress", "age", "message"),
                runs.stream().map(run -> row(run, now)).toList(),
                "no runs"
                        + Optional.ofNullable(model)
                                .map(name -> " of model " + name)
                                .orElse(""));
    }

    static List<String> row(RunChanged run, Instant now) {
        boolean working = run.status() == RunStatus.WORKING;
        return List.of(
                run.run().digest().abbreviated(),
                run.model().value(),
                run.version(),
                run.target(),
                run.status().wireName(),
                Math.min(run.rung() + 1, run.rungs()) + "/" + run.rungs(),
                run.status().ended() ? "–" : stage(run),
                working && run.total() > 0 ? Text.percent((double) run.done() / run.total()) : "–",
                Text.age(run.requestedAt(), now),
                run.failure()
                        .map(failure -> failure.reason().code() + ": " + failure.message())
                        .orElse(run.message()));
    }

    /** Where it works or waits; a device with a typo shows as a queue that stands still. */
    private static String stage(RunChanged run) {
        return run.stage()
                .map(stage -> stage.wireName()
                        + run.device().map(device -> " on " + device).orElse(""))
                .orElse("–");
    }
}
