package io.millrace.worker.lease;

import io.millrace.events.Device;
import io.millrace.events.StageName;
import io.millrace.events.wire.EventCodec;
import io.millrace.worker.WorkerSettings;
import io.millrace.worker.commit.JobProtocol;
import io.millrace.worker.observe.Traces;
import io.millrace.worker.observe.WorkerMetrics;
import io.millrace.worker.report.EventPublisher;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.concurrent.CountDownLatch;
import java.util.function.LongSupplier;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** All slots of a worker, each with its thread and its own consumers. */
public final class Slots {
    private static final Logger LOG = LoggerFactory.getLogger(Slots.class);

    private final List<Slot> slots = new ArrayList<>();
    private final List<LeaseQueue> queues = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();
    private final CountDownLatch ended = new CountDownLatch(1);
    private final LongSupplier nanoTime;
    private volatile boolean stopping;
    private volatile boolean died;

    public Slots(
            WorkerSettings settings,
            SortedSet<StageName> stages,
            String worker,
            EventCodec codec,
            JobProtocol protocol,
            EventPublisher publisher,
            WorkerMetrics metrics,
            Traces traces,
            InstantSource clock,
            LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        for (int number = 1; number <= settings.slots(); number++) {
            List<LeaseQueue> own = new ArrayList<>();
            for (StageName stage : stages) {
                for (Device device : settings.devices()) {
                    own.add(new LeaseQueue(
                            stage,
                            device,
                            settings.kafka().topics().jobs(stage, device),
                            settings.kafka().topics().shareGroup(stage, device),
                            settings.kafka().client(worker + "-slot" + number + "-" + stage.wireName() + "-" + device),
                            nanoTime));
                }
            }
            queues.addAll(own);
            Workbench workbench = new Workbench(protocol, metrics, traces, settings.limits(), clock, nanoTime);
            slots.add(new Slot(own, codec, publisher, metrics, workbench, clock, nanoTime));
        }
    }

    public void start() {
        for (Slot slot : slots) {
            threads.add(Thread.ofPlatform().name("slot-" + (threads.size() + 1)).start(() -> run(slot)));
        }
    }

    /** No slot takes another job; running ones are interrupted. */
    public void stop() {
        stopping = true;
        slots.forEach(Slot::stop);
    }

    /** Whatever the slots are at, only a new process goes on. */
    public void giveUp(String why) {
        LOG.error("the worker ends: {}", why);
        died = true;
        ended.countDown();
    }

    /** True from {@link #stop} on. */
    public boolean stopping() {
        return stopping;
    }

    /** Waits until a slot ends: it was stopped, or only a new process helps. */
    public void await() throws InterruptedException {
        ended.await();
    }

    /** Waits until all slots have ended, for at most {@code patience}. */
    public boolean await(Duration patience) throws InterruptedException {
        long began = nanoTime.getAsLong();
        for (Thread thread : threads) {
            long leftNanos = patience.toNanos() - (nanoTime.getAsLong() - began);
            if (!thread.join(Duration.ofNanos(Math.max(1, leftNanos)))) {
                return false;
            }
        }
        return true;
    }

    private void run(Slot slot) {
        try {
            slot.run();
        } catch (Throwable thrown) {
            LOG.error("a slot died", thrown);
            died = true;
        } finally {
            ended.countDown();
        }
    }

    /** True if only a new process helps: a job does not answer its interrupt, a slot died, or the clock was set back. */
    public boolean broken() {
        return died || slots.stream().anyMatch(Slot::hung);
    }

    /** Of all share consumers, told apart by their client id. */
    public Map<MetricName, Metric> metrics() {
        Map<MetricName, Metric> all = new HashMap<>();
        queues.forEach(queue -> all.putAll(queue.metrics()));
        return all;
    }
}
