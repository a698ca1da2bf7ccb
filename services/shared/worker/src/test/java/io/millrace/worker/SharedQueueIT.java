package io.millrace.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.Device;
import io.millrace.events.Job;
import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.JobEvent.JobProgressed;
import io.millrace.events.JobEvent.JobStarted;
import io.millrace.events.JobEvent.JobSucceeded;
import io.millrace.events.StageName;
import io.millrace.events.wire.Topics;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** How workers share a queue, and how one works several. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
@ExtendWith(OneSite.class)
class SharedQueueIT {
    private static final int USUAL_LOCK_MILLIS = 30_000;

    private final Site site;

    SharedQueueIT(Site site) {
        this.site = site;
    }

    @AfterEach
    void usualLock() throws Exception {
        lock(USUAL_LOCK_MILLIS);
    }

    @Test
    void jobLongerThanItsLockKeepsItsLease() throws Exception {
        Job job = site.job();
        CountDownLatch enough = new CountDownLatch(1);
        AtomicInteger computed = new AtomicInteger();
        FakeStage.Work work = (input, workspace) -> {
            computed.incrementAndGet();
            enough.await();
        };
        // Long enough for a busy machine, which may be late with a renewal by two thirds of it.
        lock(8_000);
        try (Worker first = site.worker(work);
                Worker second = site.worker(work);
                JobEvents events = site.events(job)) {

            site.send(job);
            // A sign of life comes each third of the lock: with the fourth it would have ended.
            events.await(JobProgressed.class, 4);
            enough.countDown();

            events.await(JobSucceeded.class, 1);
            assertThat(taken(first) + taken(second))
                    .as("times that a worker got the job")
                    .isEqualTo(1);
            assertThat(computed).hasValue(1);
            assertThat(events.all(JobStarted.class)).hasSize(1);
            assertThat(events.all(JobFailed.class)).isEmpty();
            assertThat(first.broken() || second.broken()).isFalse();
        }
    }

    @Test
    void idleWorkerTakesEveryJobThatABusyOneCannot() throws Exception {
        Job busy = site.job();
        List<Job> others = Stream.generate(site::job).limit(12).toList();
        CountDownLatch running = new CountDownLatch(1);
        CountDownLatch enough = new CountDownLatch(1);
        FakeStage.Work work = (input, workspace) -> {
            if (input.seed() == busy.seed()) {
                running.countDown();
                enough.await();
            }
        };
        try (Worker first = site.worker(work);
                Worker second = site.worker(work)) {
            site.send(busy);
            assertThat(running.await(30, TimeUnit.SECONDS)).isTrue();

            for (Job other : others) {
                site.send(other);
            }

            for (Job other : others) {
                try (JobEvents events = site.events(other)) {
                    assertThat(events.await(JobSucceeded.class, 1)).hasSize(1);
                }
            }
            assertThat(site.store().result(busy.key())).isEmpty();
            enough.countDown();
            assertThat(first.broken() || second.broken()).isFalse();
        }
    }

    @Test
    void slotWithTwoDevicesTakesOneJobAtATime() throws Exception {
        Job cpu = site.job();
        Job other = site.job(Site.OTHER_DEVICE);
        AtomicInteger now = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        FakeStage.Work work = (input, workspace) -> {
            most.accumulateAndGet(now.incrementAndGet(), Math::max);
            now.decrementAndGet();
        };
        List<Device> both = List.of(Device.CPU, Site.OTHER_DEVICE);
        try (Worker worker = site.worker(work, both, WorkerSettings.Limits.DEFAULT);
                JobEvents cpuEvents = site.events(cpu);
                JobEvents otherEvents = site.events(other)) {

            site.send(cpu);
            site.send(other);

            assertThat(cpuEvents.await(JobSucceeded.class, 1)).hasSize(1);
            assertThat(otherEvents.await(JobSucceeded.class, 1)).hasSize(1);
            assertThat(most).hasValue(1);
            assertThat(worker.broken()).isFalse();
        }
    }

    private static double taken(Worker worker) throws IOException, InterruptedException {
        return Site.get(worker, "/metrics")
                .lines()
                .filter(line -> line.startsWith("millrace_worker_queue_age_seconds_count"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }

    /** Returns when the broker gives out records with this lock. */
    private void lock(int millis) throws Exception {
        ConfigResource group =
                new ConfigResource(ConfigResource.Type.GROUP, Topics.DEFAULT.shareGroup(StageName.PRUNE, Device.CPU));
        String name = "share.record.lock.duration.ms";
        ConfigEntry lock = new ConfigEntry(name, Integer.toString(millis));
        try (Admin admin = site.admin()) {
            admin.incrementalAlterConfigs(Map.of(group, List.of(new AlterConfigOp(lock, AlterConfigOp.OpType.SET))))
                    .all()
                    .get();
            Map<ConfigResource, Config> seen;
            do {
                seen = admin.describeConfigs(List.of(group)).all().get();
            } while (!seen.get(group).get(name).value().equals(lock.value()));
        }
    }
}
