package io.millrace.conductor.run;

import io.millrace.events.ArtifactRef;
import io.millrace.events.CheckpointPublished;

/** The weights of a version lie elsewhere by now. They are the same, so runs and keys of jobs stay what they were. */
record Moved(ArtifactRef from, ArtifactRef to) {
    static CheckpointPublished at(ArtifactRef place, CheckpointPublished checkpoint) {
        return new CheckpointPublished(
                checkpoint.model(),
                checkpoint.version(),
                checkpoint.step(),
                place,
                checkpoint.numbers(),
                checkpoint.parent(),
                checkpoint.labels(),
                checkpoint.publishedAt());
    }

    RunState.Open of(RunState.Open run) {
        RunRequest request = of(run.request());
        Position position = of(run.position());
        return switch (run) {
            case RunState.Requested _ -> new RunState.Requested(request, position, run.job());
            case RunState.Working _ -> new RunState.Working(request, position, run.job());
            case RunState.BackingOff pause ->
                new RunState.BackingOff(request, position, pause.job(), pause.failure(), pause.until());
        };
    }

    RunState.Ended of(RunState.Ended run) {
        RunRequest request = of(run.request());
        Position position = of(run.position());
        return switch (run) {
            case RunState.Published published ->
                new RunState.Published(request, position, published.event(), published.at());
            case RunState.Rejected rejected -> new RunState.Rejected(request, position, rejected.at());
            case RunState.Failed failed ->
                new RunState.Failed(request, position, failed.failure(), failed.attempt(), failed.at());
            case RunState.Superseded superseded ->
                new RunState.Superseded(request, position, superseded.by(), superseded.at());
            case RunState.Cancelled cancelled ->
                new RunState.Cancelled(request, position, cancelled.who(), cancelled.why(), cancelled.at());
        };
    }

    private RunRequest of(RunRequest request) {
        return request.with(at(to, request.checkpoint()));
    }

    private Position of(Position position) {
        return position.model().equals(from) ? position.with(to) : position;
    }
}
