package io.millrace.events;

/** Which job an event speaks of, and the attempt that it belongs to. */
public record JobRef(JobKey key, ModelName model, RunId run, int attempt, StageName stage, Device device) {
    public static JobRef of(Job job) {
        return new JobRef(job.key(), job.model(), job.run(), job.attempt(), job.stage(), job.device());
    }
}
