package io.millrace.events;

import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** What a worker says of a job. */
public sealed interface JobEvent extends Event {
    JobRef job();

    Instant at();

    /** A worker holds the job and begins. */
    record JobStarted(JobRef job, Instant at, String worker, int starts) implements JobEvent {}

    /** A sign of life. {@code total} is 0 where it is not known. */
    record JobProgressed(JobRef job, Instant at, long done, long total, String message) implements JobEvent {}

    /**
     * The result stands in the store.
     *
     * @param sizeBytes of all files of the output
     * @param fromStore it was there already and nothing was computed
     */
    record JobSucceeded(
            JobRef job,
            Instant at,
            ArtifactRef output,
            long sizeBytes,
            List<Measurement> measurements,
            Cost cost,
            boolean fromStore)
            implements JobEvent {
        public JobSucceeded {
            measurements = List.copyOf(measurements);
        }
    }

    /**
     * The attempt ended without a result.
     *
     * @param retryAfter the earliest pause before another attempt makes sense, zero if it does not matter
     */
    record JobFailed(JobRef job, Instant at, Failure failure, Duration retryAfter) implements JobEvent {}
}
