package io.millrace.conductor.run;

import io.millrace.events.Device;
import io.millrace.events.Failure;
import io.millrace.events.Job;
import io.millrace.events.JobKey;
import io.millrace.events.RunId;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A job under way, and the runs that wait for it. There is one per key and device, however many wait.
 *
 * @param key of the job, whatever its attempt
 * @param job as it was issued last, or will be when the pause is over
 * @param firstAttempt attempts are counted from here
 * @param pauses so far; back-off grows with them
 * @param lastFailureAt the worker's time of the failure that was counted last
 */
public record Ticket(
        JobKey key,
        Job job,
        int firstAttempt,
        List<RunId> waiting,
        Phase phase,
        int pauses,
        Optional<Instant> lastFailureAt) {
    /** Where the job is. */
    public sealed interface Phase {}

    /**
     * Nobody has begun it.
     *
     * @param since when it was issued
     * @param unattended nobody works its queue, and its runs say so
     */
    public record Queued(Instant since, boolean unattended) implements Phase {
        public Queued {
            // State that was written before tickets knew the time of their issue.
            since = Objects.requireNonNullElse(since, Instant.EPOCH);
        }
    }

    /** A worker has it. */
    public record Running() implements Phase {}

    /** @param ended the attempt that failed */
    public record Paused(Instant until, Failure failure, int ended) implements Phase {}

    /**
     * Nobody waits for it any more. Remembered, since its cancellation must be taken back if somebody asks again.
     *
     * @param since when the last one left
     */
    public record Abandoned(Instant since) implements Phase {
        public Abandoned {
            // State that was written before: counted from when it is met.
            since = Objects.requireNonNullElse(since, Instant.MAX);
        }
    }

    public Ticket {
        waiting = List.copyOf(waiting);
    }

    /**
     * Whether its job is another one by now: a version of Millrace with another algorithm or engine wrote this down, and
     * workers of this one would answer under a key that nobody waits for.
     */
    boolean outdated() {
        return !job.key().equals(key);
    }

    Device device() {
        return job.device();
    }

    boolean isAbandoned() {
        return phase instanceof Abandoned;
    }

    static Ticket issued(Job job, RunId run, Instant now) {
        return new Ticket(job.key(), job, job.attempt(), List.of(run), new Queued(now, false), 0, Optional.empty());
    }

    Ticket with(Phase next) {
        return new Ticket(key, job, firstAttempt, waiting, next, pauses, lastFailureAt);
    }

    Ticket with(List<RunId> nextWaiting) {
        return new Ticket(key, job, firstAttempt, nextWaiting, phase, pauses, lastFailureAt);
    }

    Ticket running() {
        return with(new Running());
    }

    Ticket withAttempt(int attempt) {
        return new Ticket(key, job.withAttempt(attempt), firstAttempt, waiting, phase, pauses, lastFailureAt);
    }

    Ticket paused(Paused pause, int nextAttempt, int nextPauses, Optional<Instant> failedAt) {
        return new Ticket(key, job.withAttempt(nextAttempt), firstAttempt, waiting, pause, nextPauses, failedAt);
    }
}
