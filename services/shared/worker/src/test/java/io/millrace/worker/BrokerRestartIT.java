package io.millrace.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.Job;
import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.JobEvent.JobProgressed;
import io.millrace.events.JobEvent.JobStarted;
import io.millrace.events.JobEvent.JobSucceeded;
import io.millrace.events.Reason;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Promise 3: a broker restart delays, and loses nothing. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class BrokerRestartIT {
    @TempDir
    Path folder;

    @Test
    @Tag("promise-3")
    @DisplayName("Promise 3: a broker restart delays a job and loses nothing")
    void jobThatRunsThroughABrokerRestartIsComputedOnce() throws Exception {
        CountDownLatch running = new CountDownLatch(1);
        CountDownLatch enough = new CountDownLatch(1);
        AtomicInteger computed = new AtomicInteger();
        FakeStage.Work work = (input, workspace) -> {
            computed.incrementAndGet();
            running.countDown();
            enough.await();
        };
        try (Site site = new Site(folder)) {
            Job job = site.job();
            try (Worker first = site.worker(work);
                    Worker second = site.worker(work);
                    JobEvents events = site.events(job)) {
                site.send(job);
                assertThat(running.await(60, TimeUnit.SECONDS)).isTrue();
                events.await(JobStarted.class, 1);

                site.restartBroker();

                // Signs of life go on, and whoever gets the record now meets the claim.
                int progressed = events.all(JobProgressed.class).size();
                events.await(JobProgressed.class, progressed + 2);
                enough.countDown();
                assertThat(events.await(JobSucceeded.class, 1)).hasSize(1);
                assertThat(computed).hasValue(1);
                assertThat(events.all(JobStarted.class)).hasSize(1);
                assertThat(events.all(JobFailed.class))
                        .allMatch(failed -> failed.failure().reason() == Reason.CLAIMED);
                assertThat(first.broken() || second.broken()).isFalse();
            }
        }
    }
}
