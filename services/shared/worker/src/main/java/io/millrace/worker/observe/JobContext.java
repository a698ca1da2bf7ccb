package io.millrace.worker.observe;

import io.millrace.events.JobRef;
import org.slf4j.MDC;

/** Puts the job on every log line of its thread. */
public final class JobContext implements AutoCloseable {
    private JobContext() {}

    public static JobContext of(JobRef job) {
        MDC.put("run", job.run().digest().abbreviated());
        MDC.put("job", job.key().digest().abbreviated());
        MDC.put("stage", job.stage().wireName());
        MDC.put("attempt", Integer.toString(job.attempt()));
        MDC.put("device", job.device().name());
        return new JobContext();
    }

    @Override
    public void close() {
        MDC.clear();
    }
}
