package io.millrace.conductor.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.Answers;
import io.millrace.conductor.Given;
import io.millrace.events.Job;
import io.millrace.events.ModelPublished;
import io.millrace.events.ModelRejected;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Parameters;
import io.millrace.events.Reason;
import io.millrace.events.Role;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import org.junit.jupiter.api.Test;

/** Where a run goes on that an operator retries, and how one begins that is computed anew. */
class RetryTest extends RunFixture {
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
        failEachAttempt(Reason.STAGE_ERROR);

        world.ask(OperatorRequest.Kind.RETRY, run);

        assertThat(world.lastJob().key()).isEqualTo(quantize.key());
        assertThat(world.lastJob().attempt()).isEqualTo(4);
        assertThat(world.run(run).finished()).hasSize(1);
    }

    @Test
    void aRetryDoesAgainTheStepThatRefusedEachRung() {
        RunId run = start(DISTILLED);
        Job distill = world.lastJob();
        failEachAttempt(Reason.OUT_OF_MEMORY);
        assertThat(world.jobs()).hasSize(3);
        assertThat(world.run(run).status()).isEqualTo(RunStatus.FAILED);

        world.ask(OperatorRequest.Kind.RETRY, run);

        assertThat(world.lastJob().key()).isEqualTo(distill.key());
        assertThat(world.lastJob().attempt()).isEqualTo(4);
        succeed();
        assertThat(world.lastJob().parameters()).isEqualTo(new Parameters.Gguf("Q4_K_M"));
    }

    @Test
    void aCandidateThatNobodyJudgedCountsItsOwnAttempts() {
        RunId run = start(Given.target(
                "phone",
                Given.recipe(Given.gguf("Q3_K_M")),
                Given.recipe(Given.gguf("Q4_K_M")),
                Given.recipe(Given.gguf("Q6_K"))));
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.UNSUITABLE_SHAPE));
        failEachAttempt(Reason.STAGE_ERROR);
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
        failEachAttempt(Reason.STAGE_ERROR);
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
        failEachAttempt(Reason.STAGE_ERROR);
        succeed();
        world.hear(Answers.succeeded(world.lastJob(), world.now(), 0.3));
        assertThat(world.run(run).status()).isEqualTo(RunStatus.FAILED);
        assertThat(world.run(run).finished()).isEmpty();

        world.ask(OperatorRequest.Kind.RETRY, run);

        assertThat(world.lastJob().key()).isEqualTo(quantize.key());
        assertThat(world.lastJob().inputs()).containsEntry(Role.MODEL, Given.artifact("output of " + prune.key()));
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
}
