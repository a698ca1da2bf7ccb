package io.millrace.conductor.run;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Cost;
import io.millrace.events.Device;
import io.millrace.events.Failure;
import io.millrace.events.JobKey;
import io.millrace.events.Measurement;
import java.time.Instant;
import java.util.List;

/** Something that may move a run. Times are the conductor's. */
public sealed interface RunEvent {
    Instant at();

    /** News of the job with this key; it concerns the run while that is the job it waits for. */
    sealed interface OfJob extends RunEvent {
        JobKey key();
    }

    record StepStarted(JobKey key, int attempt, Instant at) implements OfJob {}

    record StepProgressed(JobKey key, int attempt, long done, long total, String message, Instant at)
            implements OfJob {}

    /** @param device of the worker, which may be another than this run asked */
    record StepSucceeded(
            JobKey key,
            Device device,
            int attempt,
            ArtifactRef output,
            long sizeBytes,
            List<Measurement> measurements,
            Cost cost,
            boolean fromStore,
            Instant at)
            implements OfJob {
        public StepSucceeded {
            measurements = List.copyOf(measurements);
        }
    }

    /** The job is tried again as {@code attempt} when the pause is over. */
    record StepPaused(JobKey key, int attempt, Failure failure, Instant until, Instant at) implements OfJob {}

    /** The job is in its queue again. */
    record StepIssued(JobKey key, int attempt, Instant at) implements OfJob {}

    /** The job is not to be had in this form any more; the step is asked for anew. */
    record StepOutdated(JobKey key, Instant at) implements OfJob {}

    /** The attempt failed where another run has this checkpoint; the step is asked for where this run has it. */
    record StepMisplaced(JobKey key, int attempt, Instant at) implements OfJob {}

    /** Nobody took the job from its queue for a long time. */
    record StepUnattended(JobKey key, Instant at) implements OfJob {}

    /** The job failed for good. */
    record StepFailed(JobKey key, int attempt, Failure failure, Instant at) implements OfJob {}

    /** The policy wants only the newest checkpoint, and there is a newer one. */
    record NewerCheckpoint(String version, Instant at) implements RunEvent {}

    record RetryRequested(String who, String why, Instant at) implements RunEvent {}

    /** Everything is to be computed anew, whatever the store holds. */
    record RecomputeRequested(String who, String why, Instant at) implements RunEvent {}

    record CancelRequested(String who, String why, Instant at) implements RunEvent {}

    /** The run cannot go on, for a reason that no job gave. */
    record Broken(Failure failure, Tried tried, Instant at) implements RunEvent {}
}
