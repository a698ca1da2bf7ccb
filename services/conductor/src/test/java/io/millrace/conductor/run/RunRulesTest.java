package io.millrace.conductor.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.Answers;
import io.millrace.conductor.Given;
import io.millrace.events.Candidate;
import io.millrace.events.Cost;
import io.millrace.events.Decision;
import io.millrace.events.Device;
import io.millrace.events.Failure;
import io.millrace.events.Job;
import io.millrace.events.JobCancelled;
import io.millrace.events.JobEvent;
import io.millrace.events.JobRef;
import io.millrace.events.Limit;
import io.millrace.events.Literature;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.events.ModelNumbers;
import io.millrace.events.ModelPublished;
import io.millrace.events.ModelRejected;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Parameters;
import io.millrace.events.Policy;
import io.millrace.events.Reason;
import io.millrace.events.Recipe;
import io.millrace.events.Role;
import io.millrace.events.RunChanged;
import io.millrace.events.RunFailed;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import io.millrace.events.Step;
import io.millrace.events.Target;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class RunRulesTest {
    private static final Target PHONE = Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")));
    private static final Target LADDER =
            Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")), Given.recipe(Given.gguf("Q6_K")));

    private final World world = new World();

    @Test
    void importanceMatrixOfAStepIsAnInputOfItsJobAndPartOfTheKey() {
        Parameters gguf = Given.gguf("Q4_K_M");
        Step weighed = new Step(gguf, Device.CPU, Optional.of(Given.artifact("matrix")));
        start(Given.target("phone", new Recipe(List.of(weighed))));
        Job with = succeed();

        start(Given.target("laptop", Given.recipe(gguf)));
        Job without = succeed();

        assertThat(with.inputs()).containsOnlyKeys(Role.MODEL, Role.IMPORTANCE);
        assertThat(with.inputs()).containsEntry(Role.IMPORTANCE, Given.artifact("matrix"));
        assertThat(without.inputs()).containsOnlyKeys(Role.MODEL);
        assertThat(with.key()).isNotEqualTo(without.key());
    }

    @Test
    void eachStepWorksOnTheOutputOfTheStepBefore() {
        Target target = Given.target("phone", Given.recipe(Given.neurons(), Given.distill(), Given.gguf("Q4_K_M")));
        start(target);

        Job prune = succeed();
        Job distill = succeed();
        Job quantize = succeed();
        Job quality = succeed();
        Job speed = succeed();

        assertThat(prune.inputs()).containsOnlyKeys(Role.MODEL);
        assertThat(distill.inputs()).containsOnlyKeys(Role.MODEL, Role.ORIGINAL, Role.CALIBRATION_TEXT);
        assertThat(distill.inputs()).containsEntry(Role.MODEL, Given.artifact("output of " + prune.key()));
        assertThat(distill.seed()).isEqualTo(7);
        assertThat(quantize.inputs()).containsOnlyKeys(Role.MODEL);
        assertThat(quality.inputs()).containsOnlyKeys(Role.MODEL, Role.ORIGINAL, Role.EVALUATION_TEXT);
        assertThat(quality.inputs()).containsEntry(Role.MODEL, Given.artifact("output of " + quantize.key()));
        assertThat(quality.inputs())
                .containsEntry(Role.EVALUATION_TEXT, target.evaluation().text());
        assertThat(quality.parameters())
                .isEqualTo(new Parameters.Quality(
                        target.evaluation().sequences(), target.evaluation().length()));
        assertThat(distill.inputs())
                .containsEntry(
                        Role.CALIBRATION_TEXT,
                        target.calibration().orElseThrow().text());
        assertThat(speed.inputs()).containsOnlyKeys(Role.MODEL, Role.ORIGINAL);
        assertThat(world.published(ModelPublished.class)).singleElement().satisfies(model -> {
            assertThat(model.artifact()).isEqualTo(Given.artifact("output of " + quantize.key()));
            assertThat(model.format() + " " + model.type()).isEqualTo("gguf Q4_K_M");
            assertThat(model.sizeBytes()).as("what the last step made").isEqualTo(1000);
            assertThat(model.originalBytes()).as("two bytes a parameter").isEqualTo(4_000_000);
        });
    }

    @Test
    void qualityIsMeasuredWhereTheWorkIsDoneAndSpeedOnTheTargetsDevice() {
        start(Given.target("cloud", Given.H100, List.of(Given.quality()), Given.recipe(Given.gguf("Q4_K_M"))));
        succeed();

        assertThat(succeed().device()).isEqualTo(Given.CPU);
        assertThat(succeed().device()).isEqualTo(Given.H100);
    }

    @Test
    void speedIsMeasuredWithinThePositionsOfTheModel() {
        for (int positions : List.of(512, 160, 16)) {
            Plan plan = Plan.of(PHONE, 0, new ModelNumbers("LlamaForCausalLM", 1, 1, 1, 1, 1, 1, 1, positions, "BF16"));

            assertThat(plan.step(2).parameters())
                    .isEqualTo(
                            switch (positions) {
                                case 16 -> new Parameters.Speed(8, 8, 5);
                                case 160 -> new Parameters.Speed(80, 64, 5);
                                default -> new Parameters.Speed(128, 64, 5);
                            });
        }
    }

    @Test
    void aModelThatIsNotQuantizedIsPublishedInTheTypeOfItsCheckpoint() {
        start(Given.target("phone", Given.recipe(Given.neurons())));
        succeed();
        succeed();
        succeed();

        assertThat(world.published(ModelPublished.class))
                .extracting(model -> model.format() + " " + model.type())
                .containsExactly("safetensors BF16");
    }

    /** Weight-only steps make the same bytes on every device. */
    @Test
    void aRungThatMakesTheSameModelIsMeasuredLikeAnyOther() {
        start(Given.target(
                "phone", Given.recipe(Given.gguf("Q4_K_M")), Given.recipe(Given.H100, Given.gguf("Q4_K_M"))));
        succeed();
        Job quality = world.lastJob();

        world.hear(Answers.succeeded(quality, world.now(), 0.3));

        assertThat(world.jobs())
                .extracting(job -> job.parameters().name())
                .containsExactly("gguf", "quality", "quality");
        assertThat(world.lastJob().key()).isEqualTo(quality.key());
    }

    @Test
    void neuronsThatAreRankedByActivationsGetTheCalibrationTextAndItsSeed() {
        start(Given.target("phone", Given.recipe(byActivations(), Given.gguf("Q4_K_M"))));

        Job prune = succeed();

        assertThat(prune.inputs()).containsOnlyKeys(Role.MODEL, Role.CALIBRATION_TEXT);
        assertThat(prune.inputs()).containsEntry(Role.CALIBRATION_TEXT, Given.artifact("calibration"));
        assertThat(prune.seed()).isEqualTo(7);
    }

    @Test
    void aRungThatNeedsATextWhichTheTargetLacksIsPassedOver() {
        Target target = Given.target("phone", Given.recipe(byActivations()), Given.recipe(Given.gguf("Q6_K")));
        start(new Target(
                target.name(),
                target.device(),
                target.workOn(),
                target.evaluation(),
                Optional.empty(),
                target.ladder(),
                target.gate()));

        assertThat(world.jobs()).singleElement().extracting(Job::parameters).isEqualTo(new Parameters.Gguf("Q6_K"));
    }

    private static Parameters byActivations() {
        return new Parameters.Neurons(0.25, 256, Optional.of(new Parameters.Neurons.Activations(16, 128)));
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
    void aFaultOfTheCheckpointEndsTheRun() {
        RunId run = start(LADDER);

        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.NOT_FINITE));

        assertThat(world.run(run).status()).isEqualTo(RunStatus.FAILED);
        assertThat(world.published(RunFailed.class))
                .singleElement()
                .extracting(failed -> failed.failure().reason())
                .isEqualTo(Reason.NOT_FINITE);
        assertThat(world.tickets()).isEmpty();
        assertThat(world.deadlines()).isZero();
    }

    @Test
    void aLostWorkerEndsTheRun() {
        RunId run = start(LADDER);

        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.WORKER_LOST));

        assertThat(world.run(run).status()).isEqualTo(RunStatus.FAILED);
    }

    @Test
    void aFaultOfTheRecipeRefusesTheCandidate() {
        RunId run = start(LADDER);

        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.UNSUITABLE_SHAPE));

        assertThat(world.lastJob().parameters()).isEqualTo(new Parameters.Gguf("Q6_K"));
        assertThat(world.jobs()).hasSize(2);
        Job made = succeed();
        world.hear(Answers.succeeded(world.lastJob(), world.now(), 0.3));
        assertThat(world.run(run).tried())
                .extracting(Candidate::artifact)
                .containsExactly(Optional.empty(), Optional.of(Given.artifact("output of " + made.key())));
    }

    @Test
    void theSurroundingsUseNoAttemptAndThePausesGrow() {
        RunId run = start(PHONE);

        Duration waited = Duration.ZERO;
        for (int i = 0; i < 12; i++) {
            world.hear(Answers.started(world.lastJob(), world.now()));
            world.hear(Answers.failed(world.lastJob(), world.now(), Reason.DISK_FULL));
            assertThat(world.run(run).status()).isEqualTo(RunStatus.BACKING_OFF);
            int before = world.jobs().size();
            Duration pause = Duration.ZERO;
            while (world.jobs().size() == before) {
                world.pass(Duration.ofSeconds(1));
                pause = pause.plusSeconds(1);
            }
            assertThat(pause).isBetween(waited, Duration.ofMinutes(5));
            waited = pause;
            assertThat(world.lastJob().attempt()).isEqualTo(1);
        }

        assertThat(waited).isEqualTo(Duration.ofMinutes(5));
    }

    /** Another holder at work is no trouble that grows. */
    @Test
    void aClaimOfAnotherIsAskedAboutAtAnEvenPace() {
        start(PHONE);

        for (int i = 1; i <= 5; i++) {
            world.hear(Answers.failed(world.lastJob(), world.now(), Reason.CLAIMED));
            world.pass(Duration.ofSeconds(1));

            assertThat(world.jobs()).hasSize(1 + i);
        }
    }

    @Test
    void aPauseIsAsLongAsTheWorkerAskedFor() {
        start(PHONE);

        world.hear(new JobEvent.JobFailed(
                JobRef.of(world.lastJob()),
                world.now(),
                new Failure(Reason.CLAIMED, "another worker has it"),
                Duration.ofSeconds(40)));

        world.pass(Duration.ofSeconds(39));
        assertThat(world.jobs()).hasSize(1);
        world.pass(Duration.ofSeconds(1));
        assertThat(world.jobs()).hasSize(2);
    }

    /** Two workers had the same attempt. */
    @Test
    void anAttemptThatFailsTwicePausesOnce() {
        start(PHONE);
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.DISK_FULL));

        world.pass(Duration.ofMillis(500));
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.DISK_FULL));
        world.pass(Duration.ofMillis(500));

        assertThat(world.jobs()).hasSize(2);
    }

    @Test
    void ourOwnFaultUsesAnAttemptAndTheThirdRefusesTheCandidate() {
        start(LADDER);

        for (int attempt = 1; attempt <= 3; attempt++) {
            assertThat(world.lastJob().attempt()).isEqualTo(attempt);
            assertThat(world.lastJob().parameters()).isEqualTo(new Parameters.Gguf("Q4_K_M"));
            world.hear(Answers.failed(world.lastJob(), world.now(), Reason.STAGE_ERROR));
            world.pass(Duration.ofMinutes(1));
        }

        assertThat(world.lastJob().parameters()).isEqualTo(new Parameters.Gguf("Q6_K"));
        assertThat(world.lastJob().attempt()).isEqualTo(1);
    }

    /** Nothing spoke against the candidate, so the run was not rejected, and an operator may go on with it. */
    @ParameterizedTest
    @EnumSource(names = {"STAGE_ERROR", "OUT_OF_MEMORY"})
    void ourOwnFaultOnTheLastRungEndsTheRunAsFailed(Reason ours) {
        RunId run = start(PHONE);
        Job quantize = world.lastJob();

        for (int attempt = 1; attempt <= 3; attempt++) {
            world.hear(Answers.failed(world.lastJob(), world.now(), ours));
            world.pass(Duration.ofMinutes(1));
        }

        assertThat(world.run(run).status()).isEqualTo(RunStatus.FAILED);
        world.ask(OperatorRequest.Kind.RETRY, run);
        assertThat(world.lastJob().key()).isEqualTo(quantize.key());

        for (int attempt = 4; attempt <= 6; attempt++) {
            assertThat(world.run(run).status().ended()).isFalse();
            assertThat(world.lastJob().attempt()).isEqualTo(attempt);
            world.hear(Answers.failed(world.lastJob(), world.now(), ours));
            world.pass(Duration.ofMinutes(1));
        }
        assertThat(world.run(run).status()).isEqualTo(RunStatus.FAILED);
    }

    @Test
    void whatAnAttemptOfBeforeARetrySaysAndFailsOfIsNotTheNewOnes() {
        RunId run = start(PHONE);
        Job first = world.lastJob();
        for (int attempt = 1; attempt <= 3; attempt++) {
            world.hear(Answers.failed(world.lastJob(), world.now(), Reason.STAGE_ERROR));
            world.pass(Duration.ofMinutes(1));
        }
        world.ask(OperatorRequest.Kind.RETRY, run);

        world.hear(Answers.progressed(first, world.now(), 5));
        world.hear(Answers.failed(first, world.now(), Reason.NOT_FINITE));

        assertThat(world.run(run).status().ended()).isFalse();
        assertThat(world.lastJob().attempt()).isEqualTo(4);
    }

    @Test
    void aStepThatFailedForGoodRefusesEachRungThatNeedsItAndIsDoneOnce() {
        RunId run = start(distilled());

        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.DIVERGED));

        assertThat(world.jobs()).hasSize(1);
        assertThat(world.run(run).status()).isEqualTo(RunStatus.REJECTED);
        assertThat(world.run(run).tried())
                .extracting(candidate ->
                        ((Candidate.StepFailed) candidate.outcome()).failure().reason())
                .containsExactly(Reason.DIVERGED, Reason.DIVERGED, Reason.DIVERGED);
    }

    @Test
    void aRetryDoesAgainTheStepThatRefusedEachRung() {
        RunId run = start(distilled());
        Job distill = world.lastJob();
        for (int attempt = 1; attempt <= 3; attempt++) {
            world.hear(Answers.failed(world.lastJob(), world.now(), Reason.OUT_OF_MEMORY));
            world.pass(Duration.ofMinutes(1));
        }
        assertThat(world.jobs()).hasSize(3);
        assertThat(world.run(run).status()).isEqualTo(RunStatus.FAILED);

        world.ask(OperatorRequest.Kind.RETRY, run);

        assertThat(world.lastJob().key()).isEqualTo(distill.key());
        assertThat(world.lastJob().attempt()).isEqualTo(4);
        succeed();
        assertThat(world.lastJob().parameters()).isEqualTo(new Parameters.Gguf("Q4_K_M"));
    }

    /** A weight-only job has one key on every device. */
    @Test
    void aStepThatFailedIsTriedOnAnotherDevice() {
        Target target = Given.target(
                "phone", Given.recipe(Given.gguf("Q4_K_M")), Given.recipe(Given.H100, Given.gguf("Q4_K_M")));
        start(target);
        for (int attempt = 1; attempt <= 3; attempt++) {
            world.hear(Answers.failed(world.lastJob(), world.now(), Reason.OUT_OF_MEMORY));
            world.pass(Duration.ofMinutes(1));
        }

        assertThat(world.lastJob().device()).isEqualTo(Given.H100);
    }

    @Test
    void aCandidateThatNobodyJudgedCountsItsOwnAttempts() {
        RunId run = start(Given.target(
                "phone",
                Given.recipe(Given.gguf("Q3_K_M")),
                Given.recipe(Given.gguf("Q4_K_M")),
                Given.recipe(Given.gguf("Q6_K"))));
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.UNSUITABLE_SHAPE));
        for (int attempt = 1; attempt <= 3; attempt++) {
            world.hear(Answers.failed(world.lastJob(), world.now(), Reason.STAGE_ERROR));
            world.pass(Duration.ofMinutes(1));
        }
        succeed();
        world.hear(Answers.succeeded(world.lastJob(), world.now(), 0.3));

        world.ask(OperatorRequest.Kind.RETRY, run);

        assertThat(world.lastJob().parameters()).isEqualTo(new Parameters.Gguf("Q4_K_M"));
        assertThat(world.lastJob().attempt()).isEqualTo(4);
    }

    /** Only a run of which every candidate was judged was rejected. */
    @Test
    void aRunGoesBackToTheCandidateThatNobodyJudged() {
        RunId run = start(LADDER);
        for (int attempt = 1; attempt <= 3; attempt++) {
            world.hear(Answers.failed(world.lastJob(), world.now(), Reason.STAGE_ERROR));
            world.pass(Duration.ofMinutes(1));
        }
        succeed();
        world.hear(Answers.succeeded(world.lastJob(), world.now(), 0.3));

        assertThat(world.run(run).status()).isEqualTo(RunStatus.FAILED);
        assertThat(world.run(run).failure().orElseThrow().reason()).isEqualTo(Reason.STAGE_ERROR);
        assertThat(world.run(run).tried()).hasSize(2);
        assertThat(world.published(ModelRejected.class)).isEmpty();

        world.ask(OperatorRequest.Kind.RETRY, run);
        assertThat(world.lastJob().parameters()).isEqualTo(new Parameters.Gguf("Q4_K_M"));
        succeed();
        world.hear(Answers.succeeded(world.lastJob(), world.now(), 0.3));
        succeed();
        world.hear(Answers.succeeded(world.lastJob(), world.now(), 0.3));

        assertThat(world.run(run).status()).isEqualTo(RunStatus.REJECTED);
        assertThat(world.published(ModelRejected.class)).hasSize(1);
    }

    /** So its output must stay in the store, though the rung that made it was refused. */
    @Test
    void aRetryBeginsWithTheStepThatARungBeforeHasDone() {
        RunId run = start(Given.target(
                "phone",
                Given.recipe(Given.neurons(), Given.gguf("Q4_K_M")),
                Given.recipe(Given.neurons(), Given.gguf("Q6_K")),
                Given.recipe(Given.gguf("Q4_K_M"))));
        Job prune = succeed();
        succeed();
        world.hear(Answers.succeeded(world.lastJob(), world.now(), 0.3));
        Job quantize = world.lastJob();
        for (int attempt = 1; attempt <= 3; attempt++) {
            world.hear(Answers.failed(world.lastJob(), world.now(), Reason.STAGE_ERROR));
            world.pass(Duration.ofMinutes(1));
        }
        succeed();
        world.hear(Answers.succeeded(world.lastJob(), world.now(), 0.3));
        assertThat(world.run(run).status()).isEqualTo(RunStatus.FAILED);
        assertThat(world.run(run).finished()).isEmpty();

        world.ask(OperatorRequest.Kind.RETRY, run);

        assertThat(world.lastJob().key()).isEqualTo(quantize.key());
        assertThat(world.lastJob().inputs()).containsEntry(Role.MODEL, Given.artifact("output of " + prune.key()));
    }

    @Test
    void lateFailureOfAnOldAttemptChangesNothing() {
        start(PHONE);
        Job first = world.lastJob();
        world.hear(Answers.failed(first, world.now(), Reason.STAGE_ERROR));
        world.pass(Duration.ofSeconds(2));
        List<Output> before = world.outputs();

        world.hear(Answers.failed(first, world.now(), Reason.NOT_FINITE));

        assertThat(world.lastJob().attempt()).isEqualTo(2);
        assertThat(world.outputs()).isEqualTo(before);
    }

    @Test
    void successOfAnOldAttemptCounts() {
        start(PHONE);
        Job first = world.lastJob();
        world.hear(Answers.failed(first, world.now(), Reason.STAGE_ERROR));
        world.pass(Duration.ofSeconds(2));

        world.hear(Answers.succeeded(first, world.now(), 0.01));

        assertThat(world.lastJob().parameters()).isInstanceOf(Parameters.Quality.class);
    }

    @Test
    void aFailureThatIsDeliveredTwiceCountsOnce() {
        start(PHONE);
        Job job = world.lastJob();
        var failure = Answers.failed(job, world.now(), Reason.SHUTDOWN);
        world.hear(failure);
        world.pass(Duration.ofSeconds(1));
        int issued = world.jobs().size();

        world.hear(failure);
        world.pass(Duration.ofSeconds(30));

        assertThat(world.jobs()).hasSize(issued);
    }

    /** The broker delivers once more what a worker said before it failed. */
    @Test
    void whatAnAttemptSaidBeforeItFailedDoesNotEndThePauseAfterIt() {
        RunId run = start(PHONE);
        Job job = world.lastJob();
        Instant said = world.now();
        world.hear(Answers.started(job, said));
        world.hear(Answers.failed(job, said.plusSeconds(1), Reason.DISK_FULL));

        world.hear(Answers.started(job, said));
        world.hear(Answers.progressed(job, said, 5));

        assertThat(world.run(run).status()).isEqualTo(RunStatus.BACKING_OFF);
        world.pass(Duration.ofSeconds(1));
        assertThat(world.jobs()).hasSize(2);
    }

    /** Its worker was only cut off; what it says from then on is said of the attempt that stands. */
    @Test
    void anAttemptThatWasGivenUpForItsSilenceAndLivesIsHeardToItsEnd() {
        RunId run = start(PHONE);
        Job job = world.lastJob();
        world.hear(Answers.started(job, world.now()));
        world.pass(Duration.ofMinutes(2));
        assertThat(world.run(run).status()).isEqualTo(RunStatus.BACKING_OFF);

        world.hear(Answers.progressed(job, world.now(), 5));
        world.hear(Answers.failed(job, world.now(), Reason.CHECKPOINT_MISSING));

        assertThat(world.run(run).status()).isEqualTo(RunStatus.FAILED);
        assertThat(world.jobs()).hasSize(1);
    }

    @Test
    void silenceAfterTheStartUsesAnAttempt() {
        start(PHONE);
        world.hear(Answers.started(world.lastJob(), world.now()));
        world.pass(Duration.ofSeconds(119));
        world.hear(Answers.progressed(world.lastJob(), world.now(), 5));
        world.pass(Duration.ofSeconds(119));
        assertThat(world.jobs()).hasSize(1);

        world.pass(Duration.ofSeconds(2));
        world.pass(Duration.ofSeconds(2));

        assertThat(world.jobs()).extracting(Job::attempt).containsExactly(1, 2);
    }

    @Test
    void aJobInTheQueueIsNeverSilent() {
        RunId run = start(Given.target("gpu", Given.CPU, List.of(Given.quality()), onDevice(Given.H100)));

        world.pass(Duration.ofMinutes(9));
        assertThat(world.run(run).message()).isEqualTo("in the queue");
        world.pass(Duration.ofMinutes(1));

        assertThat(world.run(run).message()).isEqualTo("waiting: no worker for h100");
        assertThat(world.run(run).status()).isEqualTo(RunStatus.REQUESTED);
        assertThat(world.jobs()).hasSize(1);
    }

    @Test
    void aWeekInTheQueueIssuesTheSameAttemptAgain() {
        start(PHONE);

        world.pass(Duration.ofMinutes(10));
        world.pass(Duration.ofDays(7));

        assertThat(world.jobs()).extracting(Job::attempt).containsExactly(1, 1);
    }

    /** Its record has left the topic by then. */
    @Test
    void aWeekInAQueueThatNobodyWorksEndsHoweverOftenTheConductorStarts() {
        start(PHONE);
        world.pass(Duration.ofMinutes(10));

        for (int starts = 0; starts < 4; starts++) {
            world.restartAfter(Duration.ofDays(2));
            world.pass(Duration.ofMinutes(11));
        }

        assertThat(world.jobs()).extracting(Job::attempt).containsExactly(1, 1);
    }

    @Test
    void aJobWhoseTimeInTheQueueEndedWhileTheConductorWasDownIsIssuedOnceWorkersHadTheTimeToSpeak() {
        start(PHONE);
        world.pass(Duration.ofMinutes(10));

        world.restartAfter(Duration.ofDays(30));

        world.pass(Duration.ofMinutes(9));
        assertThat(world.jobs()).hasSize(1);
        world.pass(Duration.ofMinutes(1));
        assertThat(world.jobs()).hasSize(2);
    }

    @Test
    void everyLimitIsCountedAnewAfterAStart() {
        start(PHONE);
        world.hear(Answers.started(world.lastJob(), world.now()));

        world.restartAfter(Duration.ofDays(1));
        world.pass(Duration.ofSeconds(119));

        assertThat(world.jobs()).hasSize(1);
        world.pass(Duration.ofSeconds(1));
        world.pass(Duration.ofSeconds(1));
        assertThat(world.jobs()).hasSize(2);
    }

    @Test
    void twoTargetsThatNeedTheSameJobShareIt() {
        world.apply(Given.policy(
                Given.target("phone", Given.recipe(Given.gguf("Q4_K_M"))),
                Given.target("laptop", Given.recipe(Given.gguf("Q4_K_M")), Given.recipe(Given.gguf("Q8_0")))));

        world.publish(Given.checkpoint("v1"));

        assertThat(world.jobs()).hasSize(1);
        succeed();
        succeed();
        succeed();
        assertThat(world.jobs()).hasSize(3);
        assertThat(world.published(ModelPublished.class))
                .extracting(ModelPublished::target)
                .containsExactlyInAnyOrder("phone", "laptop");
    }

    @Test
    void aRungThatSharesItsBeginningWithTheOneBeforeTakesWhatIsDone() {
        start(Given.target(
                "phone",
                Given.recipe(Given.neurons(), Given.gguf("Q4_K_M")),
                Given.recipe(Given.neurons(), Given.gguf("Q6_K"))));
        succeed();
        succeed();
        world.hear(Answers.succeeded(world.lastJob(), world.now(), 0.3));

        assertThat(world.jobs())
                .extracting(job -> job.parameters().name())
                .containsExactly("neurons", "gguf", "quality", "gguf");
    }

    @Test
    void aRungThatDistillsWithoutATextIsPassedOver() {
        Target target = Given.target("phone", Given.recipe(Given.distill()), Given.recipe(Given.gguf("Q6_K")));
        RunId run = start(new Target(
                target.name(),
                target.device(),
                target.workOn(),
                target.evaluation(),
                Optional.empty(),
                target.ladder(),
                target.gate()));

        assertThat(world.lastJob().parameters()).isEqualTo(new Parameters.Gguf("Q6_K"));
        assertThat(world.run(run).tried())
                .singleElement()
                .extracting(Candidate::outcome)
                .extracting(
                        outcome -> ((Candidate.StepFailed) outcome).failure().reason())
                .isEqualTo(Reason.IMPOSSIBLE_RUNG);
    }

    @Test
    void aRungThatIsTooLargeIsPassedOverAndNoOther() {
        Limit half = new Limit(Metric.SIZE_RATIO, Limit.Comparison.AT_MOST, 0.5);

        RunId run = start(Given.target(
                "watch",
                Given.CPU,
                List.of(half),
                Given.recipe(Given.gguf("F16")),
                Given.recipe(Given.gguf("Q4_K_M"))));

        assertThat(world.lastJob().parameters()).isEqualTo(new Parameters.Gguf("Q4_K_M"));
        assertThat(world.run(run).tried())
                .singleElement()
                .satisfies(tried -> assertThat(tried.rung()).isZero());
    }

    @Test
    void aTargetWhoseEveryRungIsTooLargeIsRejectedWithoutAJob() {
        Limit small = new Limit(Metric.SIZE_RATIO, Limit.Comparison.AT_MOST, 0.1);

        RunId run = start(Given.target("watch", Given.CPU, List.of(small), Given.recipe(Given.gguf("F16"))));

        assertThat(world.jobs()).isEmpty();
        assertThat(world.run(run).status()).isEqualTo(RunStatus.REJECTED);
        assertThat(world.run(run).message()).startsWith("every rung was refused: ");
        assertThat(world.published(ModelRejected.class)).hasSize(1);
    }

    @Test
    void cancelTellsTheWorkersWhenNobodyElseWaits() {
        world.apply(Given.policy(
                Given.target("phone", Given.recipe(Given.gguf("Q4_K_M"))),
                Given.target("laptop", Given.recipe(Given.gguf("Q4_K_M")))));
        world.publish(Given.checkpoint("v1"));
        List<RunId> runs = world.openRuns().stream().map(RunState::id).toList();

        world.ask(OperatorRequest.Kind.CANCEL, runs.get(0));
        assertThat(world.published(JobCancelled.class)).isEmpty();
        world.ask(OperatorRequest.Kind.CANCEL, runs.get(1), "");

        assertThat(world.published(JobCancelled.class))
                .extracting(JobCancelled::job)
                .containsExactly(world.lastJob().key());
        assertThat(world.run(runs.get(0)).status()).isEqualTo(RunStatus.CANCELLED);
        assertThat(world.run(runs.get(1)).status()).isEqualTo(RunStatus.CANCELLED);
        assertThat(world.run(runs.get(0)).message()).isEqualTo("cancelled by ana: because");
        assertThat(world.run(runs.get(1)).message()).isEqualTo("cancelled by ana");
    }

    @Test
    void aCancelledJobThatIsAskedForAgainIsRestoredBeforeItIsIssued() {
        RunId run = start(PHONE);
        Job job = world.lastJob();
        world.ask(OperatorRequest.Kind.CANCEL, run);

        world.apply(Given.policy(
                Policy.OnNewer.KEEP, 2, Given.target("other", PHONE.ladder().getFirst())));

        List<Output> outputs = world.outputs();
        int restored = outputs.indexOf(new Output.RestoreJob(job.model(), job.key()));
        assertThat(restored).isPositive();
        assertThat(outputs.get(restored + 1))
                .isEqualTo(new Output.RestoreOnDevice(new TicketId(job.model(), job.key(), job.device())));
        assertThat(outputs.get(restored + 2))
                .extracting(output -> ((Job) ((Output.Publish) output).event()).key())
                .isEqualTo(job.key());
    }

    @Test
    void retryPicksAFailedRunUpWhereItStood() {
        RunId run = start(Given.target("phone", Given.recipe(Given.neurons(), Given.gguf("Q4_K_M"))));
        succeed();
        Job quantize = world.lastJob();
        world.hear(Answers.failed(quantize, world.now(), Reason.CHECKPOINT_MISSING));
        assertThat(world.run(run).status()).isEqualTo(RunStatus.FAILED);

        world.ask(OperatorRequest.Kind.RETRY, run);

        assertThat(world.lastJob().key()).isEqualTo(quantize.key());
        assertThat(world.lastJob().attempt()).isEqualTo(2);
        assertThat(world.run(run).status()).isEqualTo(RunStatus.WORKING);
        assertThat(world.run(run).finished()).hasSize(1);
    }

    @Test
    void retryAfterOurOwnFaultOnTheLastRungGoesOnAtTheStepThatFailed() {
        RunId run = start(Given.target("phone", Given.recipe(Given.neurons(), Given.gguf("Q4_K_M"))));
        succeed();
        Job quantize = world.lastJob();
        for (int attempt = 1; attempt <= 3; attempt++) {
            world.hear(Answers.failed(world.lastJob(), world.now(), Reason.STAGE_ERROR));
            world.pass(Duration.ofMinutes(1));
        }

        world.ask(OperatorRequest.Kind.RETRY, run);

        assertThat(world.lastJob().key()).isEqualTo(quantize.key());
        assertThat(world.lastJob().attempt()).isEqualTo(4);
        assertThat(world.run(run).finished()).hasSize(1);
    }

    @Test
    void anEndedRunDoesNotChangeByLateNewsNorByARetryUnlessItFailed() {
        RunId run = start(PHONE);
        Job quantize = succeed();
        succeed();
        succeed();
        List<Output> before = world.outputs();

        world.hear(Answers.succeeded(quantize, world.now(), 0.01));
        world.ask(OperatorRequest.Kind.RETRY, run);
        world.ask(OperatorRequest.Kind.CANCEL, run);

        assertThat(world.outputs()).isEqualTo(before);
    }

    /** The group's offsets were lost, and its records are read from the start. */
    @ParameterizedTest
    @EnumSource(names = {"RETRY", "RECOMPUTE"})
    void aRequestThatIsReadOnceMoreIsNotCarriedOutAgain(OperatorRequest.Kind kind) {
        RunId run = start(PHONE);
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.NOT_FINITE));
        OperatorRequest request = new OperatorRequest(Given.MODEL, run, kind, "ana", "again", world.now());
        world.ask(request);
        world.pass(Duration.ofMinutes(5).plusMillis(1));
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.NOT_FINITE));
        int jobs = world.jobs().size();

        world.ask(request);

        assertThat(world.jobs()).hasSize(jobs);
        assertThat(world.run(run).status()).isEqualTo(RunStatus.FAILED);
        world.ask(kind, run);
        assertThat(world.jobs()).hasSize(jobs + 1);
    }

    @ParameterizedTest
    @EnumSource(names = {"RETRY", "RECOMPUTE"})
    void aCancellationThatIsReadOnceMoreDoesNotEndARunThatWentOnAfterIt(OperatorRequest.Kind kind) {
        RunId run = start(PHONE);
        if (kind == OperatorRequest.Kind.RETRY) {
            world.hear(Answers.failed(world.lastJob(), world.now(), Reason.NOT_FINITE));
        }
        OperatorRequest cancel =
                new OperatorRequest(Given.MODEL, run, OperatorRequest.Kind.CANCEL, "ana", "", world.now());
        world.ask(cancel);
        world.pass(Duration.ofMinutes(5).plusMillis(1));
        world.ask(kind, run);
        assertThat(world.openRuns()).hasSize(1);

        world.ask(cancel);

        assertThat(world.openRuns()).hasSize(1);
        world.ask(OperatorRequest.Kind.CANCEL, run);
        assertThat(world.openRuns()).isEmpty();
    }

    /** Both were asked while no conductor ran. */
    @Test
    void aCancellationAfterARetryEndsTheRunHoweverLateTheyAreRead() {
        RunId run = start(PHONE);
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.NOT_FINITE));
        OperatorRequest retry =
                new OperatorRequest(Given.MODEL, run, OperatorRequest.Kind.RETRY, "ana", "", world.now());
        OperatorRequest cancel = new OperatorRequest(
                Given.MODEL,
                run,
                OperatorRequest.Kind.CANCEL,
                "ana",
                "",
                world.now().plusSeconds(60));
        world.pass(Duration.ofHours(1));

        world.ask(retry);
        world.ask(cancel);

        assertThat(world.run(run).status()).isEqualTo(RunStatus.CANCELLED);
    }

    @Test
    void aRetryFromAClockFarAheadKeepsNoOneFromCancelling() {
        RunId run = start(PHONE);
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.NOT_FINITE));
        Instant ahead = world.now().plus(Duration.ofHours(1));
        world.ask(new OperatorRequest(Given.MODEL, run, OperatorRequest.Kind.RETRY, "ana", "", ahead));

        Instant asked = world.now().plusSeconds(60);
        world.wait(Duration.ofHours(2));
        world.ask(request(run, OperatorRequest.Kind.CANCEL, asked));

        assertThat(world.run(run).status()).isEqualTo(RunStatus.CANCELLED);
    }

    /** An older command gives its own time. */
    @Test
    void aRequestFromAClockFarBehindIsAsOldAsItsRecord() {
        RunId run = start(PHONE);
        Instant behind = world.now();
        world.pass(Duration.ofHours(1));
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.NOT_FINITE));

        world.askAt(world.now(), request(run, OperatorRequest.Kind.RETRY, behind));

        assertThat(world.jobs()).hasSize(2);
    }

    @Test
    void aRequestFromAClockThatIsALittleBehindIsCarriedOut() {
        RunId run = start(PHONE);
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.NOT_FINITE));

        world.ask(new OperatorRequest(
                Given.MODEL,
                run,
                OperatorRequest.Kind.RETRY,
                "ana",
                "",
                world.now().minus(Duration.ofMinutes(5))));

        assertThat(world.jobs()).hasSize(2);
    }

    /** The clock that wrote down the end was an hour ahead; whoever asks has an older command, which gives its own time. */
    @ParameterizedTest
    @EnumSource(names = {"RETRY", "RECOMPUTE"})
    void aRequestAfterTheClockWasSetRightIsCarriedOutHoweverFarItWasAhead(OperatorRequest.Kind kind) {
        RunId run = start(PHONE);
        Instant right = world.now();
        world.wait(Duration.ofHours(1));
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.NOT_FINITE));
        world.restartAfter(Duration.between(world.now(), right));
        int jobs = world.jobs().size();

        world.ask(kind, run);

        assertThat(world.jobs()).hasSize(jobs + 1);
        world.ask(OperatorRequest.Kind.CANCEL, run);
        assertThat(world.run(run).status()).isEqualTo(RunStatus.CANCELLED);
    }

    /** The conductor's clock is an hour ahead of the one that gives the record its time, and stays so. */
    @Test
    void aRequestOfWhoeverSawTheEndIsNewerThanItWhateverTheTimeOfItsRecord() {
        RunId run = start(PHONE);
        world.pass(Duration.ofHours(1));
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.NOT_FINITE));
        Instant seen = world.run(run).at();

        world.askAt(seen.minus(Duration.ofHours(1)), request(run, OperatorRequest.Kind.RETRY, seen));
        assertThat(world.jobs()).hasSize(2);
        world.askAt(seen.minus(Duration.ofHours(1)), request(run, OperatorRequest.Kind.CANCEL, seen));

        assertThat(world.run(run).status()).isEqualTo(RunStatus.CANCELLED);
    }

    @Test
    void aCancellationIsCarriedOutThoughTheBrokersClockWasAheadWhenTheRunBegan() {
        world.publish(Given.checkpoint("v1"), world.now().plus(Duration.ofHours(1)));
        world.apply(Given.policy(PHONE));
        RunId run = world.lastJob().run();

        world.ask(OperatorRequest.Kind.CANCEL, run);

        assertThat(world.run(run).status()).isEqualTo(RunStatus.CANCELLED);
    }

    private static OperatorRequest request(RunId run, OperatorRequest.Kind kind, Instant at) {
        return new OperatorRequest(Given.MODEL, run, kind, "ana", "", at);
    }

    @Test
    void recomputeBeginsAnyEndedRunAnewWithJobsThatHaveNoResultYet() {
        RunId run = start(PHONE);
        Job quantize = succeed();
        succeed();
        succeed();
        assertThat(world.run(run).status()).isEqualTo(RunStatus.PUBLISHED);

        world.ask(OperatorRequest.Kind.RECOMPUTE, run);

        Job again = world.lastJob();
        assertThat(again.key()).isNotEqualTo(quantize.key());
        assertThat(again.inputs()).isEqualTo(quantize.inputs());
        assertThat(again.parameters()).isEqualTo(quantize.parameters());
        assertThat(world.run(run).status()).isEqualTo(RunStatus.REQUESTED);
        assertThat(world.run(run).finished()).isEmpty();
        succeed();
        succeed();
        succeed();
        assertThat(world.run(run).status()).isEqualTo(RunStatus.PUBLISHED);
        assertThat(world.published(ModelPublished.class)).hasSize(2);

        world.ask(OperatorRequest.Kind.RECOMPUTE, run);

        assertThat(world.lastJob().key()).isNotIn(quantize.key(), again.key());
    }

    /** Both share the step, and so a result of one computation anew would be another's. */
    @Test
    void aRecomputationTakesNothingThatAnotherRunComputedAnew() {
        RunId phone = start(PHONE);
        RunId tablet = start(Given.target("tablet", PHONE.ladder().getFirst()));
        for (int jobs = 0; jobs < 3; jobs++) {
            succeed();
        }
        assertThat(world.run(phone).status()).isEqualTo(RunStatus.PUBLISHED);
        assertThat(world.run(tablet).status()).isEqualTo(RunStatus.PUBLISHED);

        world.ask(OperatorRequest.Kind.RECOMPUTE, phone);
        Job ofPhone = world.lastJob();
        succeed();
        world.ask(OperatorRequest.Kind.RECOMPUTE, tablet);

        assertThat(world.lastJob().parameters()).isEqualTo(ofPhone.parameters());
        assertThat(world.lastJob().key()).isNotEqualTo(ofPhone.key());
    }

    @Test
    void aQueueThatIsWorkedIsNotCalledUnattendedHoweverLongAJobWaitsInIt() {
        Duration unattended = Limits.DEFAULT.unattended();
        RunId waiting = start(PHONE);
        Job first = world.lastJob();
        RunId other = start(Given.target("tablet", Given.recipe(Given.gguf("Q6_K"))));
        Job second = world.lastJob();
        for (int minute = 0; minute < 40; minute++) {
            world.pass(Duration.ofMinutes(1));
            world.hear(Answers.started(second, world.now()));
        }
        assertThat(world.run(waiting).message()).doesNotContain("no worker");

        world.hear(Answers.succeeded(second, world.now(), 0.01));
        world.pass(unattended.plusMinutes(1));

        assertThat(world.run(waiting).message()).contains("no worker");
        assertThat(world.jobs().stream().filter(job -> job.key().equals(first.key())))
                .hasSize(1);
        assertThat(world.run(other)).isNotNull();
    }

    @Test
    void aJobWhoseRecordWasLostIsIssuedAgainThoughItsQueueIsWorked() {
        start(PHONE);
        Job first = world.lastJob();
        start(Given.target("tablet", Given.recipe(Given.gguf("Q6_K"))));
        Job second = world.lastJob();
        for (int minute = 0; minute <= 7 * 24 * 60; minute++) {
            world.pass(Duration.ofMinutes(1));
            world.hear(Answers.started(second, world.now()));
        }

        assertThat(world.jobs().stream().filter(job -> job.key().equals(first.key())))
                .hasSize(2);
    }

    @Test
    void progressIsToldAtMostOnceASecond() {
        start(PHONE);
        world.hear(Answers.started(world.lastJob(), world.now()));
        int before = world.published(RunChanged.class).size();

        for (int i = 0; i < 20; i++) {
            world.pass(Duration.ofMillis(100));
            world.hear(Answers.progressed(world.lastJob(), world.now(), i));
        }

        assertThat(world.published(RunChanged.class)).hasSize(before + 2);
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

    private RunId start(Target target) {
        world.apply(Given.policy(target));
        world.publish(Given.checkpoint("v1"));
        return RunId.of(Given.checkpoint("v1"), "chat-models", target);
    }

    /** The last job succeeds; returns it. */
    private Job succeed() {
        Job job = world.lastJob();
        world.hear(Answers.started(job, world.now()));
        world.hear(Answers.succeeded(job, world.now(), 0.01));
        return job;
    }

    /** A ladder whose rungs begin with the same distillation. */
    private static Target distilled() {
        return Given.target(
                "phone",
                Given.recipe(Given.distill(), Given.gguf("Q4_K_M")),
                Given.recipe(Given.distill(), Given.gguf("Q6_K")),
                Given.recipe(Given.distill(), Given.gguf("Q8_0")));
    }

    private static Recipe onDevice(Device device) {
        return new Recipe(List.of(new Step(Given.gguf("Q4_K_M"), device)));
    }

    private JobEvent withoutMeasurements(Job job) {
        var success = (JobEvent.JobSucceeded) Answers.succeeded(job, world.now(), 0.01);
        return new JobEvent.JobSucceeded(
                success.job(), success.at(), success.output(), success.sizeBytes(), List.of(), success.cost(), false);
    }
}
