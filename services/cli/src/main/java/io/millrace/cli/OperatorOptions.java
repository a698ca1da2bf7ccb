package io.millrace.cli;

import io.millrace.events.Failure;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Reason;
import io.millrace.events.RunChanged;
import io.millrace.events.RunStatus;
import java.time.Instant;
import java.util.Optional;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What every request of an operator says: which run, who asks, and why. */
final class OperatorOptions {
    @Parameters(paramLabel = "RUN", description = "The run's identifier, or its first digits.")
    private String run = "";

    @Option(names = "--why", paramLabel = "TEXT", description = "Goes into the run's history.")
    private String why = "";

    /** Finds the run and asks for it. */
    RunChanged ask(Connection connection, OperatorRequest.Kind kind, Instant at) {
        RunChanged found;
        try (TopicReader reader = connection.reader()) {
            found = RunFinder.find(reader.latest(connection.topics().runs(), RunChanged.class), run);
        }
        refuseWhatChangesNothing(found, kind);
        String who = System.getProperty("user.name", "unknown");
        connection.send(new OperatorRequest(found.model(), found.run(), kind, who, why, asked(found.at(), at)));
        return found;
    }

    /** Not before what was seen, whichever clock is wrong: the conductor takes an older request for one that was carried out. */
    static Instant asked(Instant seen, Instant now) {
        return seen.isAfter(now) ? seen : now;
    }

    static void refuseWhatChangesNothing(RunChanged run, OperatorRequest.Kind kind) {
        String name = "run " + run.run().digest().abbreviated();
        switch (kind) {
            case RETRY -> {
                if (run.status() != RunStatus.FAILED) {
                    throw new CommandFailure(
                            ExitCode.REFUSED,
                            name + " is " + run.status().wireName()
                                    + "; only a failed run can be retried (--recompute begins an ended run anew)");
                }
                refuseConflict(run, name);
            }
            case RECOMPUTE -> {
                if (!run.status().ended()) {
                    throw new CommandFailure(
                            ExitCode.REFUSED,
                            name + " is " + run.status().wireName()
                                    + "; only a run that has ended can be computed anew ('millrace cancel' ends it)");
                }
                if (run.status() == RunStatus.SUPERSEDED) {
                    throw new CommandFailure(
                            ExitCode.REFUSED,
                            name + " was superseded by a newer checkpoint; retry the run of that one, or apply"
                                    + " the policy with a '--backfill' that reaches this one");
                }
                refuseConflict(run, name);
            }
            case CANCEL -> {
                if (run.status().ended()) {
                    throw new CommandFailure(
                            ExitCode.REFUSED,
                            name + " is " + run.status().wireName()
                                    + "; only a run that has not ended can be cancelled");
                }
            }
        }
    }

    private static void refuseConflict(RunChanged run, String name) {
        if (run.failure().map(Failure::reason).equals(Optional.of(Reason.VERSION_CONFLICT))) {
            throw new CommandFailure(
                    ExitCode.REFUSED,
                    name + " would fail again with version-conflict: "
                            + run.failure().get().message());
        }
    }
}
