package io.millrace.events.wire;

import static io.millrace.events.wire.ValueForms.ARTIFACT;
import static io.millrace.events.wire.ValueForms.CANDIDATE;
import static io.millrace.events.wire.ValueForms.COST;
import static io.millrace.events.wire.ValueForms.DECISION;
import static io.millrace.events.wire.ValueForms.FAILURE;
import static io.millrace.events.wire.ValueForms.JOB;
import static io.millrace.events.wire.ValueForms.MEASUREMENT;
import static io.millrace.events.wire.ValueForms.NUMBERS;
import static io.millrace.events.wire.ValueForms.STEP_DONE;
import static io.millrace.events.wire.ValueForms.TARGET;

import io.millrace.events.CheckpointPublished;
import io.millrace.events.Decision;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Event;
import io.millrace.events.Job;
import io.millrace.events.JobCancelled;
import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.JobEvent.JobProgressed;
import io.millrace.events.JobEvent.JobStarted;
import io.millrace.events.JobEvent.JobSucceeded;
import io.millrace.events.JobKey;
import io.millrace.events.ModelName;
import io.millrace.events.ModelPublished;
import io.millrace.events.ModelRejected;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Policy;
import io.millrace.events.Role;
import io.millrace.events.RunChanged;
import io.millrace.events.RunFailed;
import io.millrace.events.RunStatus;
import io.millrace.events.StageName;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.avro.generic.GenericRecord;

/** The layouts of the events. A schema has the simple name of its event. */
final class EventForms {
    static final Form<CheckpointPublished> CHECKPOINT_PUBLISHED = new Form<>(
            (event, out) -> out.text("model", event.model())
                    .text("version", event.version())
                    .number("step", event.step())
                    .record("artifact", ARTIFACT, event.artifact())
                    .record("numbers", NUMBERS, event.numbers())
                    .text("parent", event.parent())
                    .texts("labels", event.labels())
                    .instant("publishedAt", event.publishedAt()),
            in -> new CheckpointPublished(
                    in.model("model"),
                    in.text("version"),
                    in.number("step"),
                    in.record("artifact", ARTIFACT),
                    in.record("numbers", NUMBERS),
                    in.text("parent", Digest::new),
                    in.texts("labels"),
                    in.instant("publishedAt")));

    static final Form<Policy> POLICY = new Form<>(
            (event, out) -> out.text("name", event.name())
                    .text("models", event.models())
                    .symbol("onNewer", event.onNewer())
                    .list("targets", TARGET, event.targets())
                    .number("revision", event.revision())
                    .number("backfill", event.backfill()),
            in -> new Policy(
                    in.text("name"),
                    in.text("models"),
                    in.symbol("onNewer", Policy.OnNewer.class),
                    in.list("targets", TARGET),
                    in.number("revision"),
                    in.integer("backfill")));

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
                    .record("parameters", ValueForms.parametersOf(event.stage()), event.parameters())
                    .text("device", event.device())
                    .number("seed", event.seed()),
            EventForms::readJob);

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

    static final Form<OperatorRequest> OPERATOR_REQUEST = new Form<>(
            (event, out) -> out.text("model", event.model())
                    .text("run", event.run())
                    .symbol("kind", event.kind())
                    .text("who", event.who())
                    .text("why", event.why())
                    .instant("at", event.at()),
            in -> new OperatorRequest(
                    in.model("model"),
                    in.run("run"),
                    in.symbol("kind", OperatorRequest.Kind.class),
                    in.text("who"),
                    in.text("why"),
                    in.instant("at")));

    static final Form<JobCancelled> JOB_CANCELLED = new Form<>(
            (event, out) -> out.text("job", event.job())
                    .instant("at", event.at())
                    .text("why", event.why())
                    .text("model", event.model()),
            in -> new JobCancelled(in.text("model", ModelName::new), in.job("job"), in.instant("at"), in.text("why")));

    static final Form<ModelPublished> MODEL_PUBLISHED = new Form<>(
            (event, out) -> out.text("run", event.run())
                    .text("model", event.model())
                    .text("version", event.version())
                    .text("policy", event.policy())
                    .text("target", event.target())
                    .text("device", event.device())
                    .record("artifact", ARTIFACT, event.artifact())
                    .text("format", event.format())
                    .text("type", event.type())
                    .record("source", CHECKPOINT_PUBLISHED, event.source())
                    .text("recipe", event.recipe())
                    .number("rung", event.rung())
                    .record("decision", DECISION, event.decision())
                    .number("sizeBytes", event.sizeBytes())
                    .number("originalBytes", event.originalBytes())
                    .instant("at", event.at()),
            in -> new ModelPublished(
                    in.run("run"),
                    in.model("model"),
                    in.text("version"),
                    in.text("policy"),
                    in.text("target"),
                    in.device("device"),
                    in.record("artifact", ARTIFACT),
                    in.text("format"),
                    in.text("type"),
                    in.record("source", CHECKPOINT_PUBLISHED),
                    in.text("recipe"),
                    in.integer("rung"),
                    accepted(in.record("decision", DECISION)),
                    in.number("sizeBytes"),
                    in.number("originalBytes"),
                    in.instant("at")));

    static final Form<ModelRejected> MODEL_REJECTED = new Form<>(
            (event, out) -> out.text("run", event.run())
                    .text("model", event.model())
                    .text("version", event.version())
                    .text("policy", event.policy())
                    .text("target", event.target())
                    .list("tried", CANDIDATE, event.tried())
                    .instant("at", event.at()),
            in -> new ModelRejected(
                    in.run("run"),
                    in.model("model"),
                    in.text("version"),
                    in.text("policy"),
                    in.text("target"),
                    in.list("tried", CANDIDATE),
                    in.instant("at")));

    static final Form<RunFailed> RUN_FAILED = new Form<>(
            (event, out) -> out.text("run", event.run())
                    .text("model", event.model())
                    .text("version", event.version())
                    .text("policy", event.policy())
                    .text("target", event.target())
                    .record("failure", FAILURE, event.failure())
                    .instant("at", event.at()),
            in -> new RunFailed(
                    in.run("run"),
                    in.model("model"),
                    in.text("version"),
                    in.text("policy"),
                    in.text("target"),
                    in.record("failure", FAILURE),
                    in.instant("at")));

    static final Form<RunChanged> RUN_CHANGED = new Form<>(
            (event, out) -> out.text("run", event.run())
                    .text("model", event.model())
                    .text("version", event.version())
                    .text("policy", event.policy())
                    .text("target", event.target())
                    .instant("requestedAt", event.requestedAt())
                    .instant("at", event.at())
                    .symbol("status", event.status())
                    .number("rung", event.rung())
                    .number("rungs", event.rungs())
                    .number("step", event.step())
                    .number("steps", event.steps())
                    .text("stage", event.stage().map(StageName::wireName))
                    .text("device", event.device())
                    .text("job", event.job())
                    .number("attempt", event.attempt())
                    .flag("started", event.started())
                    .number("done", event.done())
                    .number("total", event.total())
                    .text("message", event.message())
                    .record("failure", FAILURE, event.failure())
                    .list("finished", STEP_DONE, event.finished())
                    .list("tried", CANDIDATE, event.tried())
                    .record("published", ARTIFACT, event.published()),
            in -> new RunChanged(
                    in.run("run"),
                    in.model("model"),
                    in.text("version"),
                    in.text("policy"),
                    in.text("target"),
                    in.instant("requestedAt"),
                    in.instant("at"),
                    in.symbol("status", RunStatus.class),
                    in.integer("rung"),
                    in.integer("rungs"),
                    in.integer("step"),
                    in.integer("steps"),
                    in.text("stage", Reading::stageNamed),
                    in.text("device", Device::new),
                    in.text("job", JobKey::parse),
                    in.integer("attempt"),
                    in.flag("started"),
                    in.number("done"),
                    in.number("total"),
                    in.text("message"),
                    in.optional("failure", FAILURE),
                    in.list("finished", STEP_DONE),
                    in.list("tried", CANDIDATE),
                    in.optional("published", ARTIFACT)));

    private static final Map<String, Form<? extends Event>> BY_NAME = Map.ofEntries(
            Map.entry("CheckpointPublished", CHECKPOINT_PUBLISHED),
            Map.entry("Policy", POLICY),
            Map.entry("Job", JOB_ISSUED),
            Map.entry("JobStarted", JOB_STARTED),
            Map.entry("JobProgressed", JOB_PROGRESSED),
            Map.entry("JobSucceeded", JOB_SUCCEEDED),
            Map.entry("JobFailed", JOB_FAILED),
            Map.entry("OperatorRequest", OPERATOR_REQUEST),
            Map.entry("JobCancelled", JOB_CANCELLED),
            Map.entry("ModelPublished", MODEL_PUBLISHED),
            Map.entry("ModelRejected", MODEL_REJECTED),
            Map.entry("RunFailed", RUN_FAILED),
            Map.entry("RunChanged", RUN_CHANGED));

    private EventForms() {}

    static GenericRecord write(Event event) {
        return switch (event) {
            case CheckpointPublished e -> write(e, CHECKPOINT_PUBLISHED);
            case Policy e -> write(e, POLICY);
            case Job e -> write(e, JOB_ISSUED);
            case JobStarted e -> write(e, JOB_STARTED);
            case JobProgressed e -> write(e, JOB_PROGRESSED);
            case JobSucceeded e -> write(e, JOB_SUCCEEDED);
            case JobFailed e -> write(e, JOB_FAILED);
            case OperatorRequest e -> write(e, OPERATOR_REQUEST);
            case JobCancelled e -> write(e, JOB_CANCELLED);
            case ModelPublished e -> write(e, MODEL_PUBLISHED);
            case ModelRejected e -> write(e, MODEL_REJECTED);
            case RunFailed e -> write(e, RUN_FAILED);
            case RunChanged e -> write(e, RUN_CHANGED);
        };
    }

    static Event read(GenericRecord record) {
        Form<? extends Event> form = BY_NAME.get(record.getSchema().getName());
        if (form == null) {
            throw new IllegalStateException(
                    "no layout for " + record.getSchema().getFullName());
        }
        return form.reader().apply(new Reading(record));
    }

    private static <T extends Event> GenericRecord write(T event, Form<T> form) {
        return Writing.write(Schemas.current(event.getClass().getSimpleName()), form, event);
    }

    /** A job whose key this version derives otherwise was made by another algorithm or engine: not ours to do. */
    private static Job readJob(Reading in) {
        Job job = new Job(
                in.model("model"),
                in.run("run"),
                in.integer("attempt"),
                in.map("inputs", ARTIFACT).entrySet().stream()
                        .collect(Collectors.toMap(input -> role(input.getKey()), Map.Entry::getValue)),
                in.record("parameters", ValueForms.parametersOf(in.stage("stage"))),
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

    private static Decision.Accepted accepted(Decision decision) {
        return switch (decision) {
            case Decision.Accepted accepted -> accepted;
            case Decision.Refused _ -> throw new IllegalArgumentException("a published model whose gate refused it");
        };
    }
}
