package io.millrace.cli;

import io.millrace.events.Device;
import io.millrace.events.Failure;
import io.millrace.events.JobEvent;
import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.JobEvent.JobProgressed;
import io.millrace.events.JobEvent.JobStarted;
import io.millrace.events.JobEvent.JobSucceeded;
import io.millrace.events.JobKey;
import io.millrace.events.JobRef;
import io.millrace.events.StageName;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A worker's try at a job.
 *
 * @param number the attempt that the conductor asked for; a worker that is lost takes no new one at once
 * @param worker who began it; absent if it ended before it began, such as one whose result was in the store
 * @param endedAt absent if its worker is at work still, or was lost
 * @param failure absent if it succeeded, or has not ended
 */
record Attempt(
        JobKey job,
        StageName stage,
        Device device,
        int number,
        Optional<String> worker,
        Optional<Instant> startedAt,
        Optional<Instant> endedAt,
        boolean fromStore,
        Optional<Failure> failure) {

    /** What the events of some jobs, in their order, say of each try. */
    static List<Attempt> of(List<? extends JobEvent> events) {
        List<Attempt> attempts = new ArrayList<>();
        for (JobEvent event : events) {
            switch (event) {
                case JobStarted started -> attempts.add(of(started.job()).started(started.worker(), started.at()));
                case JobProgressed _ -> {}
                case JobSucceeded succeeded -> end(attempts, succeeded, succeeded.fromStore(), Optional.empty());
                case JobFailed failed -> end(attempts, failed, false, Optional.of(failed.failure()));
            }
        }
        return attempts;
    }

    /** Closes the latest open try of the same attempt; there is none if the job ended before it was begun. */
    private static void end(List<Attempt> attempts, JobEvent event, boolean fromStore, Optional<Failure> failure) {
        JobRef job = event.job();
        for (int i = attempts.size() - 1; i >= 0; i--) {
            Attempt open = attempts.get(i);
            if (open.job.equals(job.key()) && open.number == job.attempt() && open.endedAt.isEmpty() && !fromStore) {
                attempts.set(i, open.ended(event.at(), false, failure));
                return;
            }
        }
        attempts.add(of(job).ended(event.at(), fromStore, failure));
    }

    private static Attempt of(JobRef job) {
        return new Attempt(
                job.key(),
                job.stage(),
                job.device(),
                job.attempt(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                false,
                Optional.empty());
    }

    private Attempt started(String by, Instant at) {
        return new Attempt(job, stage, device, number, Optional.of(by), Optional.of(at), endedAt, fromStore, failure);
    }

    private Attempt ended(Instant at, boolean answered, Optional<Failure> why) {
        return new Attempt(job, stage, device, number, worker, startedAt, Optional.of(at), answered, why);
    }

    /** {@code 2026-11-24T12:00:01Z  quantize on cpu, job 3f9a12, attempt 1 by host:71:quantizer-ab: …}. */
    String text() {
        return startedAt.or(() -> endedAt).map(Instant::toString).orElse("")
                + "  " + stage.wireName() + " on " + device
                + ", job " + job.digest().abbreviated()
                + ", attempt " + number
                + worker.map(name -> " by " + name).orElse("")
                + ": " + ending();
    }

    private String ending() {
        if (endedAt.isEmpty()) {
            return "has not reported";
        }
        String after = startedAt
                .map(start -> " after " + Text.duration(Duration.between(start, endedAt.get())))
                .orElse("");
        return failure.map(why -> "failed" + after + ": " + why.reason().code() + ": " + why.message())
                .orElse(fromStore ? "answered from the store" : "succeeded" + after);
    }
}
