package io.millrace.worker.commit;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.JobEvent.JobProgressed;
import io.millrace.events.JobEvent.JobStarted;
import io.millrace.events.JobEvent.JobSucceeded;
import io.millrace.events.JobRef;
import io.millrace.events.Reason;
import io.millrace.store.MonotonicTime;
import io.millrace.worker.FakeStage;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A job that is cancelled, given up or met by a shutdown. */
@Timeout(value = 30, unit = TimeUnit.SECONDS)
class InterruptedJobTest extends JobProtocolFixture {
    @Test
    void cancelledJobSaysNothing() throws Exception {
        cancelled.add(JobRef.of(job));

        JobProtocol.Ended ended = run((input, workspace) -> {});

        assertThat(published).isEmpty();
        assertThat(ended.published()).isTrue();
    }

    @Test
    void shutdownInterruptsTheStage() throws Exception {
        RunningJob run = running();

        run(run, interruptingStage(run, Interruption.SHUTDOWN));

        assertThat(only(JobFailed.class).failure().reason()).isEqualTo(Reason.SHUTDOWN);
        assertThat(only(JobFailed.class).failure().message()).contains("layer 3");
        assertThat(Thread.interrupted()).isFalse();
    }

    @Test
    void cancellationInterruptsTheStageAndSaysNoMore() throws Exception {
        RunningJob run = running();

        run(run, interruptingStage(run, Interruption.CANCELLED));

        assertThat(published).allMatch(event -> event instanceof JobStarted || event instanceof JobProgressed);
        assertThat(memory.result(job.key())).isEmpty();
    }

    @Test
    void workThatIsDoneWhenTheCancellationComesIsNotCommitted() throws Exception {
        RunningJob run = running();

        run(run, (input, workspace) -> {
            run.interrupt(Interruption.CANCELLED);
            Thread.interrupted();
        });

        assertThat(published).noneMatch(JobSucceeded.class::isInstance);
        assertThat(memory.result(job.key())).isEmpty();
    }

    @Test
    void workThatIsDoneWhenTheShutdownComesIsCommitted() throws Exception {
        RunningJob run = running();

        run(run, (input, workspace) -> {
            run.interrupt(Interruption.SHUTDOWN);
            Thread.interrupted();
        });

        assertThat(only(JobSucceeded.class)).isNotNull();
    }

    @Test
    void stageWhoseProgressStandsStillIsStalled() throws Exception {
        run(
                running(),
                (input, workspace) -> {
                    workspace.progress(3, 10, "layer 3");
                    new CountDownLatch(1).await();
                },
                MonotonicTime.SYSTEM,
                Duration.ofMillis(50));

        assertThat(only(JobFailed.class).failure().reason()).isEqualTo(Reason.STALLED);
        assertThat(only(JobFailed.class).failure().message()).contains("layer 3");
    }

    @Test
    void jobThatWasGivenUpIsReportedOnce() throws Exception {
        RunningJob run = running();
        JobProtocol protocol = protocol((input, workspace) -> {}, MonotonicTime.SYSTEM, Duration.ofMinutes(1));

        JobProtocol.Ended abandoned = protocol.abandon(run, Interruption.STALLED);
        JobProtocol.Ended late = protocol.run(run);

        assertThat(abandoned.published()).isTrue();
        assertThat(late.published()).isFalse();
        assertThat(only(JobFailed.class).failure().reason()).isEqualTo(Reason.STALLED);
        assertThat(published).noneMatch(JobSucceeded.class::isInstance);
    }

    @Test
    void aCancelledJobThatStoresItsOutputIsNoHungOne() throws Exception {
        AtomicLong nanos = new AtomicLong();
        RunningJob run = new RunningJob(job, Duration.ofSeconds(10), nanos::get);
        Duration patience = Duration.ofMinutes(10);
        try (RunningJob.Section _ = run.interruptible()) {
            run.interrupt(Interruption.CANCELLED);
            assertThat(Thread.currentThread().isInterrupted()).isTrue();
            nanos.set(patience.toNanos() + 1);
            assertThat(run.overdue(patience, false)).isTrue();
        }

        assertThat(run.overdue(patience, false)).isFalse();
        assertThat(run.overdue(patience, true)).isTrue();
    }

    /** What comes after it are a commit and an event, which an interrupt would cut in half. */
    @Test
    void anInterruptReachesTheStageAndNothingAfterIt() throws Exception {
        RunningJob run = running();
        try (RunningJob.Section _ = run.interruptible()) {
            run.interrupt(Interruption.SHUTDOWN);
            run.interrupt(Interruption.CANCELLED);
            assertThat(Thread.currentThread().isInterrupted()).isTrue();
        }

        assertThat(Thread.interrupted()).isFalse();
        assertThat(run.interruption()).as("the first reason stands").contains(Interruption.SHUTDOWN);
    }

    /** It reported, so three of them must not make the job one that kills its workers. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatWasGivenUpLeavesNoClaimOnceThatIsPublished(boolean told) throws Exception {
        kafkaTakes = event -> told || !(event instanceof JobFailed);
        RunningJob run = running();
        CountDownLatch began = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        JobProtocol protocol = protocol(
                (input, workspace) -> {
                    began.countDown();
                    goOn.await();
                },
                MonotonicTime.SYSTEM,
                Duration.ofMinutes(1));
        Thread hung = Thread.ofPlatform().start(() -> protocol.run(run));
        began.await();
        assertThat(store.claim(run.ref().key())).isPresent();

        protocol.abandon(run, Interruption.SHUTDOWN);

        assertThat(store.claim(run.ref().key()).isEmpty()).isEqualTo(told);
        goOn.countDown();
        hung.join();
        assertThat(published)
                .filteredOn(JobFailed.class::isInstance)
                .extracting(event -> ((JobFailed) event).failure().reason())
                .isEqualTo(told ? List.of(Reason.SHUTDOWN) : List.of());
    }

    private FakeStage.Work interruptingStage(RunningJob run, Interruption why) {
        return (input, workspace) -> {
            workspace.progress(3, 10, "layer 3");
            run.interrupt(why);
            new CountDownLatch(1).await();
        };
    }
}
