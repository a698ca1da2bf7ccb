package io.millrace.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.Job;
import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.JobEvent.JobStarted;
import io.millrace.events.JobEvent.JobSucceeded;
import io.millrace.events.Reason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Workers that die in the middle of a job. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
@ExtendWith(OneSite.class)
class LostWorkerIT {
    private final Site site;

    LostWorkerIT(Site site) {
        this.site = site;
    }

    @Test
    @Tag("promise-3")
    @DisplayName("Promise 3: a killed worker is replaced by another")
    void killedWorkerIsReplacedWithinSeconds() throws Exception {
        Job job = site.job();
        Process killed = site.child("hang");
        try (JobEvents events = site.events(job)) {
            site.send(job);
            events.await(JobStarted.class, 1);
            try (Worker other = site.worker((input, workspace) -> {})) {

                killed.destroyForcibly().waitFor();
                long killedNanos = System.nanoTime();

                List<JobStarted> started = events.await(JobStarted.class, 2);
                assertThat(Duration.ofNanos(System.nanoTime() - killedNanos)).isLessThan(Duration.ofSeconds(20));
                assertThat(started).extracting(JobStarted::starts).containsExactly(1, 2);
                assertThat(events.await(JobSucceeded.class, 1)).hasSize(1);
                assertThat(other.broken()).isFalse();
            }
        } finally {
            killed.destroyForcibly();
        }
    }

    @Test
    @Tag("promise-1")
    @DisplayName("Promise 1: a job that kills its workers ends after three")
    void jobThatKillsItsWorkersStopsAfterThree() throws Exception {
        Job job = site.job();
        List<Process> children = new ArrayList<>();
        try (JobEvents events = site.events(job)) {
            site.send(job);
            for (int starts = 1; starts <= 3; starts++) {
                Process child = site.child("halt");
                children.add(child);
                events.await(JobStarted.class, starts);
                assertThat(child.waitFor(30, TimeUnit.SECONDS)).isTrue();
            }
            try (Worker last = site.worker((input, workspace) -> {})) {

                JobFailed failed = events.await(JobFailed.class, 1).getFirst();

                assertThat(failed.failure().reason()).isEqualTo(Reason.WORKER_LOST);
                assertThat(events.all(JobStarted.class))
                        .extracting(JobStarted::starts)
                        .containsExactly(1, 2, 3);
                assertThat(last.broken()).isFalse();
            }
            assertThat(site.store().claim(job.key())).as("a retry counts anew").isEmpty();
        } finally {
            children.forEach(Process::destroyForcibly);
        }
    }
}
