package io.millrace.events.wire;

import static io.millrace.events.wire.EvidenceForms.MEASUREMENT;
import static io.millrace.events.wire.TargetForms.parametersOf;
import static io.millrace.events.wire.ValueForms.ARTIFACT;
import static io.millrace.events.wire.ValueForms.COST;
import static io.millrace.events.wire.ValueForms.FAILURE;
import static io.millrace.events.wire.ValueForms.JOB;

import io.millrace.events.Job;
import io.millrace.events.JobCancelled;
import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.JobEvent.JobProgressed;
import io.millrace.events.JobEvent.JobStarted;
import io.millrace.events.JobEvent.JobSucceeded;
import io.millrace.events.JobKey;
import io.millrace.events.ModelName;
import io.millrace.events.Role;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Collectors;

/** The layouts of a job and of the events that speak of it. */
final class JobForms {
    static final Form<Job> JOB_ISSUED = new Form<>(
            (event, out) -> out.text("key", event.key())
                    .text("model", event.model())
                    .text("run", event.run())
                    .number("attempt", event.attempt())
                    .map(
                            "inputs",
                            ARTIFACT,
                            event.inputs().entrySet().stream()
                                    .collect(Collectors.toMap(
                                            input -> input.getKey().wireName(), Map.Entry::getValue)))
                    .text("stage", event.stage().wireName())
                    .record("parameters", parametersOf(event.stage()), event.parameters())
                    .text("device", event.device())
                    .number("seed", event.seed()),
            JobForms::readJob);

    static final Form<JobStarted> JOB_STARTED = new Form<>(
            (event, out) -> out.record("job", JOB, event.job())
                    .instant("at", event.at())
                    .text("worker", event.worker())
                    .number("starts", event.starts()),
            in -> new JobStarted(in.record("job", JOB), in.instant("at"), in.text("worker"), in.integer("starts")));

    static final Form<JobProgressed> JOB_PROGRESSED = new Form<>(
            (event, out) -> out.record("job", JOB, event.job())
                    .instant("at", event.at())
                    .number("done", event.done())
                    .number("total", event.total())
                    .text("message", event.message()),
            in -> new JobProgressed(
                    in.record("job", JOB),
                    in.instant("at"),
                    in.number("done"),
                    in.number("total"),
                    in.text("message")));

    static final Form<JobSucceeded> JOB_SUCCEEDED = new Form<>(
            (event, out) -> out.record("job", JOB, event.job())
                    .instant("at", event.at())
                    .record("output", ARTIFACT, event.output())
                    .number("sizeBytes", event.sizeBytes())
                    .list("measurements", MEASUREMENT, event.measurements())
                    .record("cost", COST, event.cost())
                    .flag("fromStore", event.fromStore()),
            in -> new JobSucceeded(
                    in.record("job", JOB),
                    in.instant("at"),
                    in.record("output", ARTIFACT),
                    in.number("sizeBytes"),
                    in.list("measurements", MEASUREMENT),
                    in.record("cost", COST),
                    in.flag("fromStore")));

    static final Form<JobFailed> JOB_FAILED = new Form<>(
            (event, out) -> out.record("job", JOB, event.job())
                    .instant("at", event.at())
                    .record("failure", FAILURE, event.failure())
                    .number("retryAfterMillis", event.retryAfter().toMillis()),
            in -> new JobFailed(
                    in.record("job", JOB),
                    in.instant("at"),
                    in.record("failure", FAILURE),
                    Duration.ofMillis(in.number("retryAfterMillis"))));

    static final Form<JobCancelled> JOB_CANCELLED = new Form<>(
            (event, out) -> out.text("job", event.job())
                    .instant("at", event.at())
                    .text("why", event.why())
                    .text("model", event.model()),
            in -> new JobCancelled(in.text("model", ModelName::new), in.job("job"), in.instant("at"), in.text("why")));

    private JobForms() {}

    /** A job whose key this version derives otherwise was made by another algorithm or engine: not ours to do. */
    private static Job readJob(Reading in) {
        Job job = new Job(
                in.model("model"),
                in.run("run"),
                in.integer("attempt"),
                in.map("inputs", ARTIFACT).entrySet().stream()
                        .collect(Collectors.toMap(input -> role(input.getKey()), Map.Entry::getValue)),
                in.record("parameters", parametersOf(in.stage("stage"))),
                in.device("device"),
                in.number("seed"));
        JobKey key = in.job("key");
        if (!job.key().equals(key)) {
            throw new UnknownKindException("job key " + key + " where this version derives " + job.key()
                    + "; another algorithm or engine version issued it");
        }
        return job;
    }

    private static Role role(String name) {
        return Role.named(name).orElseThrow(() -> new UnknownKindException("input role '" + name + "'"));
    }
}
