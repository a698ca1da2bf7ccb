package io.millrace.conductor.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.Answers;
import io.millrace.conductor.Given;
import io.millrace.events.Job;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The two limits of a job: how long it waits in its queue, and how long it is silent once begun. */
class QueueAndSilenceTest extends RunFixture {
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
        RunId run = start(Given.target(
                "gpu", Given.CPU, List.of(Given.quality()), Given.recipe(Given.H100, Given.gguf("Q4_K_M"))));

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
    void silenceIsCountedAnewAfterTheConductorStarts() {
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
}
