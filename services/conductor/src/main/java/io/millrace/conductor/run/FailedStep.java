package io.millrace.conductor.run;

import io.millrace.events.Device;
import io.millrace.events.Failure;
import io.millrace.events.Job;
import io.millrace.events.JobKey;

/**
 * A job that failed for good. On another device it may succeed.
 *
 * @param attempt the last one
 */
public record FailedStep(JobKey job, Device device, int attempt, Failure failure) {
    static FailedStep of(CurrentJob job, Failure failure) {
        return new FailedStep(job.key(), job.device(), job.attempt(), failure);
    }

    boolean is(Job other) {
        return job.equals(other.key()) && device.equals(other.device());
    }
}
