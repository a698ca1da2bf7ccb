package io.millrace.conductor.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.Answers;
import io.millrace.events.Job;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Parameters;
import io.millrace.events.Reason;
import io.millrace.events.RunChanged;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What workers say of a job late, twice, too often, or after a newer attempt was issued. */
class LateNewsTest extends RunFixture {
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
    void whatAnAttemptFromBeforeARetrySaysIsNotSaidOfTheNewOne() {
        RunId run = start(PHONE);
        Job first = world.lastJob();
        failEachAttempt(Reason.STAGE_ERROR);
        world.ask(OperatorRequest.Kind.RETRY, run);

        world.hear(Answers.progressed(first, world.now(), 5));
        world.hear(Answers.failed(first, world.now(), Reason.NOT_FINITE));

        assertThat(world.run(run).status().ended()).isFalse();
        assertThat(world.lastJob().attempt()).isEqualTo(4);
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
}
