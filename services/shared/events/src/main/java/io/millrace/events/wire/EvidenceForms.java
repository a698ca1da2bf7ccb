package io.millrace.events.wire;

import static io.millrace.events.wire.TargetForms.LIMIT;
import static io.millrace.events.wire.ValueForms.ARTIFACT;
import static io.millrace.events.wire.ValueForms.COST;
import static io.millrace.events.wire.ValueForms.FAILURE;

import io.millrace.events.Candidate;
import io.millrace.events.Decision;
import io.millrace.events.Digest;
import io.millrace.events.Failure;
import io.millrace.events.Measurement;
import io.millrace.events.StepDone;
import io.millrace.events.Verdict;
import java.util.Optional;

/** The layouts of what became of steps and candidates, and of what decided on them. */
final class EvidenceForms {
    static final Form<Measurement> MEASUREMENT = new Form<>(
            (value, out) -> out.text("metric", value.metric())
                    .number("value", value.value())
                    .number("standardError", value.standardError())
                    .number("baseline", value.baseline())
                    .text("unit", value.unit())
                    .text("runtime", value.runtime())
                    .text("device", value.device())
                    .number("samples", value.samples())
                    .text("dataset", value.dataset())
                    .text("note", value.note()),
            in -> new Measurement(
                    in.text("metric"),
                    in.optionalReal("value"),
                    in.optionalReal("standardError"),
                    in.optionalReal("baseline"),
                    in.text("unit"),
                    in.text("runtime"),
                    in.device("device"),
                    in.number("samples"),
                    in.text("dataset", Digest::new),
                    in.text("note")));

    static final Form<Verdict> VERDICT = new Form<>(
            (value, out) -> out.record("limit", LIMIT, value.limit())
                    .flag("kept", value.kept())
                    .text("explanation", value.explanation()),
            in -> new Verdict(in.record("limit", LIMIT), in.flag("kept"), in.text("explanation")));

    static final Form<Decision> DECISION = new Form<>(
            (value, out) -> out.flag(
                            "accepted",
                            switch (value) {
                                case Decision.Accepted _ -> true;
                                case Decision.Refused _ -> false;
                            })
                    .list("evidence", MEASUREMENT, value.evidence())
                    .list("verdicts", VERDICT, value.verdicts()),
            in -> in.flag("accepted")
                    ? new Decision.Accepted(in.list("evidence", MEASUREMENT), in.list("verdicts", VERDICT))
                    : new Decision.Refused(in.list("evidence", MEASUREMENT), in.list("verdicts", VERDICT)));

    static final Form<StepDone> STEP_DONE = new Form<>(
            (value, out) -> out.text("stage", value.stage().wireName())
                    .text("name", value.name())
                    .text("device", value.device())
                    .text("job", value.job())
                    .number("attempt", value.attempt())
                    .record("output", ARTIFACT, value.output())
                    .number("sizeBytes", value.sizeBytes())
                    .record("cost", COST, value.cost())
                    .flag("fromStore", value.fromStore())
                    .instant("finishedAt", value.finishedAt()),
            in -> new StepDone(
                    in.stage("stage"),
                    in.text("name"),
                    in.device("device"),
                    in.job("job"),
                    in.integer("attempt"),
                    in.record("output", ARTIFACT),
                    in.number("sizeBytes"),
                    in.record("cost", COST),
                    in.flag("fromStore"),
                    in.instant("finishedAt")));

    static final Form<Candidate> CANDIDATE = new Form<>(
            (value, out) -> out.number("rung", value.rung())
                    .text("recipe", value.recipe())
                    .list("steps", STEP_DONE, value.steps())
                    .record("artifact", ARTIFACT, value.artifact())
                    .record("decision", DECISION, decisionOf(value.outcome()))
                    .record("failure", FAILURE, failureOf(value.outcome())),
            in -> new Candidate(
                    in.integer("rung"),
                    in.text("recipe"),
                    in.list("steps", STEP_DONE),
                    in.optional("artifact", ARTIFACT),
                    outcome(in.optional("decision", DECISION), in.optional("failure", FAILURE))));

    private EvidenceForms() {}

    private static Optional<Decision> decisionOf(Candidate.Outcome outcome) {
        return switch (outcome) {
            case Candidate.Judged judged -> Optional.of(judged.decision());
            case Candidate.StepFailed _ -> Optional.empty();
        };
    }

    private static Optional<Failure> failureOf(Candidate.Outcome outcome) {
        return switch (outcome) {
            case Candidate.Judged _ -> Optional.empty();
            case Candidate.StepFailed failed -> Optional.of(failed.failure());
        };
    }

    private static Candidate.Outcome outcome(Optional<Decision> decision, Optional<Failure> failure) {
        if (decision.isPresent() == failure.isPresent()) {
            throw new IllegalArgumentException("a candidate has either a decision or a failure");
        }
        return decision.<Candidate.Outcome>map(Candidate.Judged::new)
                .orElseGet(() -> new Candidate.StepFailed(failure.orElseThrow()));
    }
}
