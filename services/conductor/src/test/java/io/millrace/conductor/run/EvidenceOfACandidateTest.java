package io.millrace.conductor.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.Answers;
import io.millrace.conductor.Given;
import io.millrace.events.Candidate;
import io.millrace.events.Cost;
import io.millrace.events.Decision;
import io.millrace.events.Failure;
import io.millrace.events.Job;
import io.millrace.events.JobEvent;
import io.millrace.events.Literature;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.events.ModelPublished;
import io.millrace.events.ModelRejected;
import io.millrace.events.Parameters;
import io.millrace.events.Reason;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import io.millrace.events.Target;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is measured of a candidate, and what becomes of one of which something was not. */
class EvidenceOfACandidateTest extends RunFixture {
    @Test
    @Tag("promise-2")
    @DisplayName("Promise 2: no model is accepted without evidence")
    void qualityThatWasNotReportedIsRefused() {
        start(PHONE);
        succeed();

        world.hear(withoutMeasurements(world.lastJob()));

        assertThat(world.published(ModelRejected.class)).hasSize(1);
    }

    @Test
    void speedIsNotMeasuredForACandidateOfBadQuality() {
        start(LADDER);
        succeed();

        world.hear(Answers.succeeded(world.lastJob(), world.now(), 0.3));

        assertThat(world.lastJob().parameters()).isEqualTo(new Parameters.Gguf("Q6_K"));
        assertThat(world.jobs()).noneMatch(job -> job.parameters() instanceof Parameters.Speed);
    }

    @Test
    void speedThatCannotBeHadDoesNotRefuseACandidateWhoseGateDoesNotAskForIt() {
        start(PHONE);
        succeed();
        succeed();

        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.UNSUPPORTED));

        ModelPublished model = world.published(ModelPublished.class).getFirst();
        assertThat(model.decision().evidence())
                .filteredOn(measurement -> !measurement.measured())
                .extracting(Measurement::note)
                .isNotEmpty()
                .allMatch(note -> note.startsWith("unsupported: "));
    }

    @Test
    void speedThatCannotBeHadRefusesACandidateWhoseGateAsksForIt() {
        start(Given.target("phone", Given.CPU, List.of(Given.faster()), Given.recipe(Given.gguf("Q4_K_M"))));
        succeed();
        succeed();

        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.UNSUPPORTED));

        Candidate candidate =
                world.published(ModelRejected.class).getFirst().tried().getFirst();
        assertThat(candidate.outcome()).isInstanceOf(Candidate.Judged.class);
        assertThat(((Decision.Refused) ((Candidate.Judged) candidate.outcome()).decision()).reasons())
                .contains("was not measured");
    }

    /** The job would wait behind others for an answer that is known. */
    @ParameterizedTest
    @MethodSource("untimed")
    void speedThatNoRuntimeCanTellIsNotAskedForAndTheEvidenceSaysWhy(Parameters.Quantize format) {
        RunId run = start(Given.target("phone", Given.H100, List.of(Given.quality()), Given.recipe(format)));
        succeed();
        succeed();

        assertThat(world.jobs()).noneMatch(job -> job.parameters() instanceof Parameters.Speed);
        assertThat(world.run(run).status()).isEqualTo(RunStatus.PUBLISHED);
        assertThat(world.tickets()).isEmpty();
        ModelPublished model = world.published(ModelPublished.class).getFirst();
        assertThat(model.decision().evidence())
                .filteredOn(measurement -> !measurement.measured())
                .containsExactly(
                        Measurement.missing(Metric.PROMPT_RATE, Given.H100, whyUntimed(format)),
                        Measurement.missing(Metric.GENERATION_RATE, Given.H100, whyUntimed(format)),
                        Measurement.missing(Metric.GENERATION_SPEEDUP, Given.H100, whyUntimed(format)));
    }

    @ParameterizedTest
    @MethodSource("untimed")
    void aGateThatAsksForASpeedThatNoRuntimeCanTellRefusesTheRungAndTheNextIsTried(Parameters.Quantize format) {
        Target target = Given.target(
                "phone", Given.CPU, List.of(Given.faster()), Given.recipe(format), Given.recipe(Given.gguf("Q4_K_M")));
        RunId run = start(target);
        succeed();
        succeed();

        assertThat(world.lastJob().parameters()).isEqualTo(Given.gguf("Q4_K_M"));
        Candidate candidate = world.run(run).tried().getFirst();
        assertThat(((Decision.Refused) ((Candidate.Judged) candidate.outcome()).decision()).reasons())
                .isEqualTo("generation-speedup was not measured: " + whyUntimed(format));
        succeed();
        succeed();
        assertThat(world.lastJob().parameters()).isInstanceOf(Parameters.Speed.class);
    }

    /** A version before asked for such a job, and its runs may still wait for one. */
    @Test
    void aRunThatWaitsForASpeedThatNoRuntimeCanTellEndsWithAnyAnswer() {
        Target target = Given.target("phone", Given.recipe(new Parameters.Onnx("int8")));
        start(target);
        succeed();
        succeed();
        RunState.Published end = (RunState.Published) world.endedRuns().getFirst();
        Position now = end.position();
        Position before = new Position(
                now.rung(),
                now.step() - 1,
                now.model(),
                now.modelBytes(),
                true,
                now.finished(),
                now.evidence().stream().filter(Measurement::measured).toList(),
                now.tried(),
                now.failed());
        Plan plan = Plan.of(target, 0, end.request().checkpoint().numbers());
        Job speed = Plan.job(end.request(), plan.step(before.step()), before.model(), 1);
        RunState waiting = new RunState.Working(end.request(), before, CurrentJob.asked(speed, world.now()));
        Failure failure = new Failure(Reason.STAGE_ERROR, "it was");

        assertThat(List.<RunEvent>of(
                        new RunEvent.StepSucceeded(
                                speed.key(),
                                speed.device(),
                                1,
                                Given.artifact("report"),
                                9,
                                List.of(Measurement.missing(Metric.GENERATION_RATE, Given.CPU, "no runtime")),
                                new Cost(Duration.ZERO, 0, 0),
                                false,
                                world.now()),
                        new RunEvent.StepFailed(speed.key(), 3, failure, world.now()),
                        new RunEvent.StepOutdated(speed.key(), world.now())))
                .extracting(answer -> RunMachine.apply(waiting, answer))
                .allSatisfy(after -> {
                    assertThat(after.state()).isInstanceOf(RunState.Published.class);
                    assertThat(after.commands()).singleElement().isInstanceOf(Command.PublishModel.class);
                });
    }

    private static List<Parameters.Quantize> untimed() {
        return List.of(
                new Parameters.CompressedTensors("W4A16"), new Parameters.Onnx("int8"), Literature.of("ternary"));
    }

    private static String whyUntimed(Parameters.Quantize format) {
        return switch (format) {
            case Parameters.CompressedTensors _ -> Parameters.CompressedTensors.UNTIMED;
            case Parameters.Onnx _ -> Parameters.Onnx.UNTIMED;
            case Literature _ -> Literature.UNTIMED;
            case Parameters.Gguf _ -> throw new IllegalArgumentException("llama.cpp runs it");
        };
    }

    private JobEvent withoutMeasurements(Job job) {
        var success = (JobEvent.JobSucceeded) Answers.succeeded(job, world.now(), 0.01);
        return new JobEvent.JobSucceeded(
                success.job(), success.at(), success.output(), success.sizeBytes(), List.of(), success.cost(), false);
    }
}
