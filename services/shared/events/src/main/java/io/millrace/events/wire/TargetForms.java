package io.millrace.events.wire;

import static io.millrace.events.wire.ValueForms.ARTIFACT;

import io.millrace.events.Gate;
import io.millrace.events.Limit;
import io.millrace.events.Metric;
import io.millrace.events.Parameters;
import io.millrace.events.Recipe;
import io.millrace.events.StageName;
import io.millrace.events.Step;
import io.millrace.events.Target;
import io.millrace.events.TextUse;

/** The layouts of what a policy wants: targets, their ladders and limits. */
final class TargetForms {
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

    private TargetForms() {}

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
}
