package io.millrace.conductor.run;

import io.millrace.events.Device;
import io.millrace.events.Job;
import io.millrace.events.JobRef;
import io.millrace.events.StageName;

/** Where the jobs of a stage for a device class wait. */
public record Queue(StageName stage, Device device) {
    public static Queue of(Job job) {
        return new Queue(job.stage(), job.device());
    }

    static Queue of(JobRef job) {
        return new Queue(job.stage(), job.device());
    }
}
