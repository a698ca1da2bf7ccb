package io.millrace.events.wire;

import static io.millrace.events.wire.EvidenceForms.CANDIDATE;
import static io.millrace.events.wire.EvidenceForms.DECISION;
import static io.millrace.events.wire.EvidenceForms.STEP_DONE;
import static io.millrace.events.wire.RequestForms.CHECKPOINT_PUBLISHED;
import static io.millrace.events.wire.ValueForms.ARTIFACT;
import static io.millrace.events.wire.ValueForms.FAILURE;

import io.millrace.events.Decision;
import io.millrace.events.Device;
import io.millrace.events.JobKey;
import io.millrace.events.ModelPublished;
import io.millrace.events.ModelRejected;
import io.millrace.events.RunChanged;
import io.millrace.events.RunFailed;
import io.millrace.events.RunStatus;
import io.millrace.events.StageName;

/** The layouts of the events by which the conductor tells what becomes of a run. */
final class RunForms {
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

    private RunForms() {}

    private static Decision.Accepted accepted(Decision decision) {
        return switch (decision) {
            case Decision.Accepted accepted -> accepted;
            case Decision.Refused _ -> throw new IllegalArgumentException("a published model whose gate refused it");
        };
    }
}
