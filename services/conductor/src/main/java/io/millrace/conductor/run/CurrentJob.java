package io.millrace.conductor.run;

import io.millrace.events.Device;
import io.millrace.events.Job;
import io.millrace.events.JobKey;
import io.millrace.events.StageName;
import java.time.Instant;

/**
 * The job that a run waits for, and what is known of it.
 *
 * @param reportedAt when the run's state was last told; progress is told at most once a second
 */
public record CurrentJob(
        JobKey key,
        StageName stage,
        Device device,
        int attempt,
        boolean started,
        long done,
        long total,
        String message,
        Instant reportedAt) {
    static CurrentJob asked(Job job, Instant at) {
        return new CurrentJob(job.key(), job.stage(), job.device(), job.attempt(), false, 0, 0, "in the queue", at);
    }

    CurrentJob started(int ofAttempt, Instant at) {
        return new CurrentJob(key, stage, device, ofAttempt, true, 0, 0, "started", at);
    }

    CurrentJob progressed(int ofAttempt, long newDone, long newTotal, String newMessage, Instant at) {
        return new CurrentJob(key, stage, device, ofAttempt, true, newDone, newTotal, newMessage, at);
    }

    CurrentJob queued(int newAttempt, String why, Instant at) {
        return new CurrentJob(key, stage, device, newAttempt, false, 0, 0, why, at);
    }
}
