package io.millrace.worker.observe;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.millrace.events.Cost;
import io.millrace.events.Device;
import io.millrace.events.StageName;
import io.millrace.worker.commit.Outcome;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** The numbers of a worker. Labels are stage, device and outcome: never a model, run or job. */
public final class WorkerMetrics {
    private static final Duration[] BUCKETS = {
        Duration.ofSeconds(1),
        Duration.ofSeconds(10),
        Duration.ofMinutes(1),
        Duration.ofMinutes(5),
        Duration.ofMinutes(15),
        Duration.ofHours(1),
        Duration.ofHours(4),
        Duration.ofHours(12)
    };

    private final MeterRegistry registry;
    private final AtomicInteger busy;

    public WorkerMetrics(MeterRegistry registry, int slots) {
        this.registry = registry;
        this.busy = registry.gauge("millrace.worker.slots.busy", new AtomicInteger());
        registry.gauge("millrace.worker.slots", slots);
    }

    /** @param queueAge from the record's timestamp to now */
    public void began(StageName stage, Device device, Duration queueAge) {
        busy.incrementAndGet();
        Timer.builder("millrace.worker.queue.age")
                .description("How long jobs lay in the queue before a worker took them")
                .serviceLevelObjectives(BUCKETS)
                .tags(tags(stage, device))
                .register(registry)
                .record(queueAge.isNegative() ? Duration.ZERO : queueAge);
    }

    /** @param outcome empty if the worker failed to bring the job to an end */
    public void ended(StageName stage, Device device, Optional<Outcome> outcome, long durationNanos) {
        busy.decrementAndGet();
        String label = outcome.map(Outcome::label).orElse("none");
        ended(stage, label);
        Timer.builder("millrace.worker.job.duration")
                .description("From taking a job to its end")
                .serviceLevelObjectives(BUCKETS)
                .tags(tags(stage, device).and("outcome", label))
                .register(registry)
                .record(durationNanos, TimeUnit.NANOSECONDS);
        if (outcome.orElse(null) instanceof Outcome.Succeeded(var standing, boolean fromStore) && !fromStore) {
            Cost cost = standing.cost();
            registry.counter("millrace.worker.bytes.in", tags(stage, device)).increment((double) cost.bytesIn());
            registry.counter("millrace.worker.bytes.out", tags(stage, device)).increment((double) cost.bytesOut());
        }
    }

    public void ended(StageName stage, String outcome) {
        registry.counter("millrace.worker.jobs", "stage", stage.wireName(), "outcome", outcome)
                .increment();
    }

    public void leaseLost(StageName stage) {
        registry.counter("millrace.worker.leases.lost", "stage", stage.wireName())
                .increment();
    }

    public void buried(StageName stage) {
        registry.counter("millrace.worker.dead.letters", "stage", stage.wireName())
                .increment();
    }

    private static Tags tags(StageName stage, Device device) {
        return Tags.of(Tag.of("stage", stage.wireName()), Tag.of("device", device.name()));
    }
}
