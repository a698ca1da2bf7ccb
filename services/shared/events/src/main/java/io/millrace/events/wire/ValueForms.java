package io.millrace.events.wire;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Candidate;
import io.millrace.events.Cost;
import io.millrace.events.Decision;
import io.millrace.events.Digest;
import io.millrace.events.Failure;
import io.millrace.events.Gate;
import io.millrace.events.JobRef;
import io.millrace.events.Limit;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.events.ModelNumbers;
import io.millrace.events.Parameters;
import io.millrace.events.Reason;
import io.millrace.events.Recipe;
import io.millrace.events.StageName;
import io.millrace.events.Step;
import io.millrace.events.StepDone;
import io.millrace.events.Target;
import io.millrace.events.TextUse;
import io.millrace.events.Verdict;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;

/** The layouts of the records inside events. */
final class ValueForms {
    static final Form<ArtifactRef> ARTIFACT = new Form<>(
            (value, out) -> out.text("manifest", value.manifest()).text("location", value.location()),
            in -> new ArtifactRef(in.digest("manifest"), URI.create(in.text("location"))));

    static final Form<ModelNumbers> NUMBERS = new Form<>(
            (value, out) -> out.text("architecture", value.architecture())
                    .number("parameters", value.parameters())
                    .number("vocabularySize", value.vocabularySize())
                    .number("hiddenSize", value.hiddenSize())
                    .number("feedForwardSize", value.feedForwardSize())
                    .number("layerCount", value.layerCount())
                    .number("headCount", value.headCount())
                    .number("keyValueHeadCount", value.keyValueHeadCount())
                    .number("maxPositions", value.maxPositions())
                    .text("dtype", value.dtype()),
            in -> new ModelNumbers(
                    in.text("architecture"),
                    in.number("parameters"),
                    in.integer("vocabularySize"),
                    in.integer("hiddenSize"),
                    in.integer("feedForwardSize"),
                    in.integer("layerCount"),
                    in.integer("headCount"),
                    in.integer("keyValueHeadCount"),
                    in.integer("maxPositions"),
                    in.text("dtype")));

    static final Form<Cost> COST = new Form<>(
            (value, out) -> out.number("computeMillis", value.compute().toMillis())
                    .number("bytesIn", value.bytesIn())
                    .number("bytesOut", value.bytesOut()),
            in -> new Cost(Duration.ofMillis(in.number("computeMillis")), in.number("bytesIn"), in.number("bytesOut")));

    static final Form<Failure> FAILURE = new Form<>(
            (value, out) -> out.text("reason", value.reason().code()).text("message", value.message()),
            in -> new Failure(Reason.ofCode(in.text("reason")), in.text("message")));

    static final Form<JobRef> JOB = new Form<>(
            (value, out) -> out.text("key", value.key())
                    .text("model", value.model())
                    .text("run", value.run())
                    .number("attempt", value.attempt())
                    .text("stage", value.stage().wireName())
                    .text("device", value.device()),
            in -> new JobRef(
                    in.job("key"),
                    in.model("model"),
                    in.run("run"),
                    in.integer("attempt"),
                    in.stage("stage"),
                    in.device("device")));

    static final Form<TextUse> TEXT = new Form<>(
            (value, out) -> out.record("text", ARTIFACT, value.text())
                    .number("sequences", value.sequences())
                    .number("length", value.length())
                    .number("seed", value.seed()),
            in -> new TextUse(
                    in.record("text", ARTIFACT), in.integer("sequences"), in.integer("length"), in.number("seed")));

    static final Form<Limit> LIMIT = new Form<>(
            (value, out) -> out.text("metric", value.metric().wireName())
                    .symbol("comparison", value.comparison())
                    .number("bound", value.bound()),
            in -> new Limit(
                    metric(in.text("metric")), in.symbol("comparison", Limit.Comparison.class), in.real("bound")));

    static final Form<Step> STEP = new Form<>(
            (value, out) -> out.text("stage", value.parameters().stage().wireName())
                    .record("parameters", parametersOf(value.parameters().stage()), value.parameters())
                    .text("device", value.device())
                    .record("importance", ARTIFACT, value.importance()),
            in -> new Step(
                    in.record("parameters", parametersOf(in.stage("stage"))),
                    in.device("device"),
                    in.optional("importance", ARTIFACT)));

    static final Form<Recipe> RECIPE = new Form<>(
            (value, out) -> out.list("steps", STEP, value.steps()), in -> new Recipe(in.list("steps", STEP)));

    static final Form<Target> TARGET = new Form<>(
            (value, out) -> out.text("name", value.name())
                    .text("device", value.device())
                    .text("workOn", value.workOn())
                    .record("evaluation", TEXT, value.evaluation())
                    .record("calibration", TEXT, value.calibration())
                    .list("ladder", RECIPE, value.ladder())
                    .list("limits", LIMIT, value.gate().limits()),
            in -> new Target(
                    in.text("name"),
                    in.device("device"),
                    in.device("workOn"),
                    in.record("evaluation", TEXT),
                    in.optional("calibration", TEXT),
                    in.list("ladder", RECIPE),
                    new Gate(in.list("limits", LIMIT))));

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

    private ValueForms() {}

    /** The layout of parameters, which do not name their stage: the record around them does. */
    static Form<Parameters> parametersOf(StageName stage) {
        return new Form<>(
                (value, out) -> out.text("name", value.name())
                        .number("version", value.version())
                        .text("json", value.canonicalJson()),
                in -> ParametersCodec.of(stage, in.text("name"), in.text("json"))
                        .orElseThrow(() -> new UnknownKindException(
                                "method '" + stage.wireName() + " " + in.text("name") + "' with " + in.text("json"))));
    }

    private static Metric metric(String name) {
        return Metric.named(name).orElseThrow(() -> new UnknownKindException("metric '" + name + "'"));
    }

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
