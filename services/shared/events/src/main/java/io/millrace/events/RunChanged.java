package io.millrace.events;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A run's state after a transition, whole: the last one per run is all there is to know of it.
 *
 * @param rung of the ladder, from 0; {@code rungs} in all
 * @param step of the rung, from 0; {@code steps} in all, measurements included
 * @param stage the stage that is asked or at work
 * @param device the queue it waits in
 * @param started a worker has said that it began this step
 * @param done progress of the step in its own units; {@code total} 0 where it is not known
 * @param message what it is doing, or waiting for
 * @param failure why it failed or backs off
 * @param finished steps of the current rung that have their results
 * @param tried rungs before this one
 * @param published the artifact, once published
 */
public record RunChanged(
        RunId run,
        ModelName model,
        String version,
        String policy,
        String target,
        Instant requestedAt,
        Instant at,
        RunStatus status,
        int rung,
        int rungs,
        int step,
        int steps,
        Optional<StageName> stage,
        Optional<Device> device,
        Optional<JobKey> job,
        int attempt,
        boolean started,
        long done,
        long total,
        String message,
        Optional<Failure> failure,
        List<StepDone> finished,
        List<Candidate> tried,
        Optional<ArtifactRef> published)
        implements Event {
    public RunChanged {
        finished = List.copyOf(finished);
        tried = List.copyOf(tried);
    }
}
