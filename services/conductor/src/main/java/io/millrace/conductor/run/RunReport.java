package io.millrace.conductor.run;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Candidate;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Decision;
import io.millrace.events.Failure;
import io.millrace.events.Recipe;
import io.millrace.events.RunChanged;
import io.millrace.events.RunStatus;
import io.millrace.events.Target;
import io.millrace.events.Verdict;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** A run's state as everyone may read it. */
public final class RunReport {
    private RunReport() {}

    public static RunChanged of(RunState state, Instant at) {
        RunRequest request = state.request();
        CheckpointPublished checkpoint = request.checkpoint();
        Target target = request.target();
        Position position = state.position();
        List<Recipe> ladder = target.ladder();
        Recipe recipe = ladder.get(Math.min(position.rung(), ladder.size() - 1));
        Optional<CurrentJob> job =
                state instanceof RunState.Open open ? Optional.of(open.job()) : Optional.<CurrentJob>empty();
        return new RunChanged(
                state.id(),
                checkpoint.model(),
                checkpoint.version(),
                request.policy(),
                target.name(),
                request.at(),
                at,
                status(state),
                position.rung(),
                ladder.size(),
                position.step(),
                Plan.stepsOf(recipe),
                job.map(CurrentJob::stage),
                job.map(CurrentJob::device),
                job.map(CurrentJob::key),
                job.map(CurrentJob::attempt)
                        .orElseGet(() -> state instanceof RunState.Failed failed ? failed.attempt() : 0),
                job.map(CurrentJob::started).orElse(false),
                job.map(CurrentJob::done).orElse(0L),
                job.map(CurrentJob::total).orElse(0L),
                message(state),
                failure(state),
                position.finished(),
                position.tried(),
                published(state));
    }

    public static RunStatus status(RunState state) {
        return switch (state) {
            case RunState.Requested _ -> RunStatus.REQUESTED;
            case RunState.Working _ -> RunStatus.WORKING;
            case RunState.BackingOff _ -> RunStatus.BACKING_OFF;
            case RunState.Published _ -> RunStatus.PUBLISHED;
            case RunState.Rejected _ -> RunStatus.REJECTED;
            case RunState.Failed _ -> RunStatus.FAILED;
            case RunState.Superseded _ -> RunStatus.SUPERSEDED;
            case RunState.Cancelled _ -> RunStatus.CANCELLED;
        };
    }

    private static String message(RunState state) {
        return switch (state) {
            case RunState.BackingOff pause ->
                pause.failure().message() + "; " + pause.job().message();
            case RunState.Open open -> open.job().message();
            case RunState.Published published ->
                published.event().decision().verdicts().stream()
                        .map(Verdict::explanation)
                        .collect(Collectors.joining("; "));
            case RunState.Rejected rejected -> "every rung was refused: " + lastRefusal(rejected.position());
            case RunState.Failed failed -> failed.failure().message();
            case RunState.Superseded superseded -> "superseded by version " + superseded.by();
            case RunState.Cancelled cancelled -> cancelled.told();
        };
    }

    private static String lastRefusal(Position position) {
        return switch (position.tried().getLast().outcome()) {
            case Candidate.Judged judged ->
                judged.decision() instanceof Decision.Refused refused ? refused.reasons() : "";
            case Candidate.StepFailed failed -> failed.failure().message();
        };
    }

    private static Optional<Failure> failure(RunState state) {
        return switch (state) {
            case RunState.BackingOff pause -> Optional.of(pause.failure());
            case RunState.Failed failed -> Optional.of(failed.failure());
            case RunState.Requested _,
                    RunState.Working _,
                    RunState.Published _,
                    RunState.Rejected _,
                    RunState.Superseded _,
                    RunState.Cancelled _ -> Optional.empty();
        };
    }

    private static Optional<ArtifactRef> published(RunState state) {
        return state instanceof RunState.Published published
                ? Optional.of(published.event().artifact())
                : Optional.empty();
    }
}
