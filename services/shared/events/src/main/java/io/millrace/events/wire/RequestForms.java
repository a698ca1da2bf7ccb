package io.millrace.events.wire;

import static io.millrace.events.wire.TargetForms.TARGET;
import static io.millrace.events.wire.ValueForms.ARTIFACT;
import static io.millrace.events.wire.ValueForms.NUMBERS;

import io.millrace.events.CheckpointPublished;
import io.millrace.events.Digest;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Policy;

/** The layouts of the events by which others ask for work. */
final class RequestForms {
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

    private RequestForms() {}
}
