package io.millrace.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.Device;
import io.millrace.events.Job;
import io.millrace.events.JobCancelled;
import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.JobEvent.JobStarted;
import io.millrace.events.JobEvent.JobSucceeded;
import io.millrace.events.ModelName;
import io.millrace.events.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Jobs and workers that are told to stop. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
@ExtendWith(OneSite.class)
class StoppedWorkerIT {
    private final Site site;

    StoppedWorkerIT(Site site) {
        this.site = site;
    }

    @Test
    void cancelledJobIsInterruptedAndSaysNothing() throws Exception {
        Job job = site.job();
        Job next = site.job();
        CountDownLatch running = new CountDownLatch(1);
        CountDownLatch interrupted = new CountDownLatch(1);
        try (Worker worker = site.worker(endless(job, running, interrupted));
                JobEvents events = site.events(job);
                JobEvents nextEvents = site.events(next)) {
            site.send(job);
            assertThat(running.await(30, TimeUnit.SECONDS)).isTrue();

            Optional<ModelName> other = Optional.of(new ModelName("another-model"));
            site.send(new JobCancelled(other, next.key(), Instant.now(), "superseded"));
            site.send(new JobCancelled(Optional.of(job.model()), job.key(), Instant.now(), "superseded"));

            assertThat(interrupted.await(30, TimeUnit.SECONDS)).isTrue();
            site.send(next);
            nextEvents.await(JobSucceeded.class, 1);
            events.await(JobStarted.class, 1);
            assertThat(events.all(JobFailed.class)).isEmpty();
            assertThat(site.store().claim(job.key())).isEmpty();
            assertThat(worker.broken()).isFalse();
        }
    }

    @Test
    void aJobIsInterruptedWhereNobodyWaitsForItOnItsDevice() throws Exception {
        Job job = site.job();
        Job next = site.job();
        CountDownLatch running = new CountDownLatch(1);
        CountDownLatch interrupted = new CountDownLatch(1);
        try (Worker worker = site.worker(endless(job, running, interrupted));
                JobEvents events = site.events(next)) {
            site.send(job);
            assertThat(running.await(30, TimeUnit.SECONDS)).isTrue();

            site.sendTo(new Device("h100"), cancelled(next));
            site.sendTo(job.device(), cancelled(job));

            assertThat(interrupted.await(30, TimeUnit.SECONDS)).isTrue();
            site.send(next);
            events.await(JobSucceeded.class, 1);
            assertThat(worker.broken()).isFalse();
        }
    }

    /** Works on one job until it is interrupted, and on others not at all. */
    private static FakeStage.Work endless(Job job, CountDownLatch running, CountDownLatch interrupted) {
        return (input, workspace) -> {
            if (input.seed() == job.seed()) {
                running.countDown();
                try {
                    new CountDownLatch(1).await();
                } finally {
                    interrupted.countDown();
                }
            }
        };
    }

    private static JobCancelled cancelled(Job job) {
        return new JobCancelled(Optional.of(job.model()), job.key(), Instant.now(), "superseded");
    }

    @Test
    void workerThatIsToldToStopReportsItsJobAndAnotherDoesIt() throws Exception {
        Job job = site.job();
        CountDownLatch running = new CountDownLatch(1);
        try (JobEvents events = site.events(job)) {
            try (Worker worker = site.worker((input, workspace) -> {
                running.countDown();
                new CountDownLatch(1).await();
            })) {
                site.send(job);
                assertThat(running.await(30, TimeUnit.SECONDS)).isTrue();
                assertThat(worker.broken()).isFalse();
            }
            JobFailed failed = events.await(JobFailed.class, 1).getFirst();
            assertThat(failed.failure().reason()).isEqualTo(Reason.SHUTDOWN);

            try (Worker other = site.worker((input, workspace) -> {})) {
                site.send(job);

                assertThat(events.await(JobSucceeded.class, 1)).hasSize(1);
                assertThat(events.all(JobStarted.class))
                        .extracting(JobStarted::starts)
                        .containsOnly(1);
                assertThat(other.broken()).isFalse();
            }
        }
    }

    @Test
    void sigtermEndsAWorkerWithExitCodeZeroAndAReport() throws Exception {
        Job job = site.job();
        Process child = site.child("hang");
        try (JobEvents events = site.events(job)) {
            site.send(job);
            events.await(JobStarted.class, 1);

            child.destroy();

            assertThat(child.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(child.exitValue()).isZero();
            assertThat(events.await(JobFailed.class, 1).getFirst().failure().reason())
                    .isEqualTo(Reason.SHUTDOWN);
            assertThat(site.store().claim(job.key())).isEmpty();
        } finally {
            child.destroyForcibly();
        }
    }

    /** Whoever started it may be killed before it looks. */
    @Test
    void aWorkerWhoseParentIsGoneWhenItStartsEndsAtOnce() throws Exception {
        Process parent = new ProcessBuilder("true").start();
        parent.waitFor();

        Process child = site.child("complete", parent.pid());

        try {
            assertThat(child.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(child.exitValue()).isZero();
        } finally {
            child.destroyForcibly();
        }
    }

    @Test
    void jobThatDoesNotAnswerItsInterruptIsReportedAndTheWorkerIsNotAliveAnyMore() throws Exception {
        Job job = site.job();
        CountDownLatch atLast = new CountDownLatch(1);
        WorkerSettings.Limits quick = new WorkerSettings.Limits(
                Duration.ofSeconds(1), Duration.ofSeconds(1), Duration.ofMinutes(1), Duration.ofMillis(100));
        FakeStage.Work deaf = (input, workspace) -> {
            while (atLast.getCount() > 0) {
                try {
                    atLast.await();
                } catch (InterruptedException ignored) {
                    // Native code does not hear it.
                }
            }
        };
        try (Worker worker = site.worker(deaf, List.of(Device.CPU), quick);
                JobEvents events = site.events(job)) {

            site.send(job);

            assertThat(events.await(JobFailed.class, 1).getFirst().failure().reason())
                    .isEqualTo(Reason.STALLED);
            worker.await();
            assertThat(worker.broken()).isTrue();
            assertThat(Site.get(worker, "/livez")).isEqualTo("not now\n");
        } finally {
            atLast.countDown();
        }
    }
}
