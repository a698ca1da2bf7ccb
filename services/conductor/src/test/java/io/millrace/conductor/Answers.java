package io.millrace.conductor;

import io.millrace.events.Cost;
import io.millrace.events.Failure;
import io.millrace.events.Job;
import io.millrace.events.JobEvent;
import io.millrace.events.JobRef;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.events.Parameters;
import io.millrace.events.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/** What a worker says of a job. */
public final class Answers {
    private Answers() {}

    public static JobEvent started(Job job, Instant at) {
        return new JobEvent.JobStarted(JobRef.of(job), at, "worker-1", 1);
    }

    public static JobEvent progressed(Job job, Instant at, long done) {
        return new JobEvent.JobProgressed(JobRef.of(job), at, done, 100, "working");
    }

    /** The output depends on the key alone, as a real one does. */
    public static JobEvent succeeded(Job job, Instant at, double perplexityIncrease) {
        List<Measurement> measurements = switch (job.parameters()) {
            case Parameters.Quality _ -> List.of(measured(Metric.PERPLEXITY_INCREASE, job, perplexityIncrease));
            case Parameters.Speed _ -> List.of(measured(Metric.GENERATION_SPEEDUP, job, 1.5));
            case Parameters.Prune _, Parameters.Distill _, Parameters.Quantize _ -> List.of();
        };
        return new JobEvent.JobSucceeded(
                JobRef.of(job),
                at,
                Given.artifact("output of " + job.key()),
                1000,
                measurements,
                new Cost(Duration.ofSeconds(3), 10, 20),
                false);
    }

    public static JobEvent failed(Job job, Instant at, Reason reason) {
        return new JobEvent.JobFailed(
                JobRef.of(job), at, new Failure(reason, "it was " + reason.code()), Duration.ZERO);
    }

    private static Measurement measured(Metric metric, Job job, double value) {
        return new Measurement(
                metric.wireName(),
                OptionalDouble.of(value),
                OptionalDouble.of(0.001),
                OptionalDouble.empty(),
                metric.unit(),
                "djl",
                job.device(),
                64,
                Optional.empty(),
                "");
    }
}
