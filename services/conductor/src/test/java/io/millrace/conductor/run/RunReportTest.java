package io.millrace.conductor.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.Answers;
import io.millrace.conductor.Given;
import io.millrace.events.Job;
import io.millrace.events.JobCancelled;
import io.millrace.events.ModelPublished;
import io.millrace.events.Policy;
import io.millrace.events.Reason;
import io.millrace.events.RunChanged;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import io.millrace.events.StageName;
import io.millrace.events.StepDone;
import io.millrace.events.Target;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What the events of a run tell whoever lists or shows it. */
class RunReportTest extends RunFixture {
    /** Of rungs of different lengths, so that each shows which one is meant. */
    private static final Target RUNGS = Given.target(
            "phone", Given.recipe(Given.neurons(), Given.gguf("Q4_K_M")), Given.recipe(Given.gguf("Q6_K")));

    private RunChanged told(RunId run) {
        return world.run(run);
    }

    private void measure(double perplexityIncrease) {
        Job quality = world.lastJob();
        world.hear(Answers.succeeded(quality, world.now(), perplexityIncrease));
    }

    @Test
    void aRunAtWorkTellsItsRungItsStepAndHowFarItsJobIs() {
        RunId run = start(RUNGS);
        succeed();
        Job job = world.lastJob();
        world.hear(Answers.started(job, world.now()));
        world.pass(Duration.ofSeconds(1));
        world.hear(Answers.progressed(job, world.now(), 30));

        assertThat(told(run).status()).isEqualTo(RunStatus.WORKING);
        assertThat(told(run).rung()).isZero();
        assertThat(told(run).rungs()).isEqualTo(2);
        assertThat(told(run).step()).isEqualTo(1);
        assertThat(told(run).steps()).isEqualTo(4);
        assertThat(told(run).stage()).contains(StageName.QUANTIZE);
        assertThat(told(run).started()).isTrue();
        assertThat(told(run).done()).isEqualTo(30);
        assertThat(told(run).total()).isEqualTo(100);
        assertThat(told(run).message()).isEqualTo("working");
    }

    @Test
    void aPauseTellsItsReasonAndItsEnd() {
        RunId run = start(RUNGS);
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.DISK_FULL));

        assertThat(told(run).status()).isEqualTo(RunStatus.BACKING_OFF);
        assertThat(told(run).message())
                .isEqualTo("it was disk-full; waits until " + world.now().plusSeconds(1));
    }

    @Test
    void aRejectedRunTellsWhatRefusedItsLastRungAndThatItIsBehindAll() {
        RunId run = start(RUNGS);
        succeed();
        succeed();
        measure(0.2);
        succeed();
        measure(0.3);

        assertThat(told(run).status()).isEqualTo(RunStatus.REJECTED);
        assertThat(told(run).message()).contains("perplexity-increase 0.3").doesNotContain("perplexity-increase 0.2");
        assertThat(told(run).rung()).isEqualTo(2);
        assertThat(told(run).steps()).isEqualTo(3);
    }

    /** Its speed cannot be had, which is a step all the same. */
    @Test
    void aPublishedRunTellsItsModelItsRungAndWhichLimitsItKeeps() {
        RunId run = start(RUNGS);
        succeed();
        succeed();
        measure(0.2);
        world.pass(Duration.ofSeconds(7));
        Instant made = world.now();
        Job quantize = succeed();
        measure(0.01);
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.UNSUPPORTED));

        ModelPublished model = world.published(ModelPublished.class).getLast();
        assertThat(told(run).status()).isEqualTo(RunStatus.PUBLISHED);
        assertThat(told(run).message())
                .startsWith("perplexity-increase 0.01000 ")
                .contains("keeps <= 0.05");
        assertThat(told(run).published())
                .isEqualTo(Optional.of(Given.artifact("output of " + quantize.key())))
                .contains(model.artifact());
        assertThat(told(run).step()).isEqualTo(3);
        assertThat(told(run).finished()).hasSize(2);
        assertThat(told(run).finished().getFirst())
                .extracting(StepDone::job, StepDone::finishedAt)
                .containsExactly(quantize.key(), made);
        assertThat(model.rung()).isEqualTo(1);
    }

    @Test
    void attemptsAreThoseOfTheJobThatIsWaitedFor() {
        RunId run = start(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M"))));
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.STAGE_ERROR));
        world.pass(Duration.ofSeconds(1));
        world.pass(Duration.ofMinutes(10));
        assertThat(told(run).message()).isEqualTo("waiting: no worker for cpu");
        assertThat(told(run).attempt()).isEqualTo(2);

        succeed();

        assertThat(told(run).finished().getFirst().attempt()).isEqualTo(2);
        assertThat(told(run).attempt()).isEqualTo(1);
        assertThat(world.lastJob().attempt()).isEqualTo(1);
        failEachAttempt(Reason.STALLED);
        assertThat(told(run).status()).isEqualTo(RunStatus.FAILED);
        assertThat(told(run).attempt()).isEqualTo(3);
    }

    @Test
    void aWorkerThatFellSilentIsSaidToHaveBeenSoForSoLong() {
        RunId run = start(RUNGS);
        world.hear(Answers.started(world.lastJob(), world.now()));
        world.pass(Duration.ofMinutes(2));

        assertThat(told(run).failure().orElseThrow().message())
                .isEqualTo("the worker of attempt 1 said nothing for 120 s");
    }

    @Test
    void theWorkersAreToldWhatSupersededAJob() {
        world.apply(Given.policy(Policy.OnNewer.SUPERSEDE, 1, RUNGS));
        world.publish(Given.checkpoint("v1"));
        world.publish(Given.checkpoint(Given.MODEL, "v2", Given.START.plusSeconds(1)));

        assertThat(world.published(JobCancelled.class))
                .extracting(JobCancelled::why)
                .containsExactly("superseded by v2");
    }
}
