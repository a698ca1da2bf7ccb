package io.millrace.conductor.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.Answers;
import io.millrace.conductor.Given;
import io.millrace.events.Candidate;
import io.millrace.events.Failure;
import io.millrace.events.Job;
import io.millrace.events.JobEvent;
import io.millrace.events.JobRef;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Parameters;
import io.millrace.events.Reason;
import io.millrace.events.RunFailed;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import io.millrace.events.Target;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a failed job does to its run, by whose fault it was. */
class FailedJobTest extends RunFixture {
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
    void aStepThatFailedForGoodRefusesEachRungThatNeedsItAndIsDoneOnce() {
        RunId run = start(DISTILLED);

        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.DIVERGED));

        assertThat(world.jobs()).hasSize(1);
        assertThat(world.run(run).status()).isEqualTo(RunStatus.REJECTED);
        assertThat(world.run(run).tried())
                .extracting(candidate ->
                        ((Candidate.StepFailed) candidate.outcome()).failure().reason())
                .containsExactly(Reason.DIVERGED, Reason.DIVERGED, Reason.DIVERGED);
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

        failEachAttempt(ours);

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

    /** A weight-only job has one key on every device. */
    @Test
    void aStepThatFailedIsTriedOnAnotherDevice() {
        Target target = Given.target(
                "phone", Given.recipe(Given.gguf("Q4_K_M")), Given.recipe(Given.H100, Given.gguf("Q4_K_M")));
        start(target);
        failEachAttempt(Reason.OUT_OF_MEMORY);

        assertThat(world.lastJob().device()).isEqualTo(Given.H100);
    }
}
