package io.millrace.conductor.topology;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.millrace.events.Event;
import io.millrace.events.Job;
import io.millrace.events.JobEvent;
import io.millrace.events.JobEvent.JobSucceeded;
import io.millrace.events.ModelName;
import io.millrace.events.ModelPublished;
import io.millrace.events.ModelRejected;
import io.millrace.events.RunChanged;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/** What the conductor counts. */
public final class ConductorMetrics {
    private static final Duration[] BUCKETS = {
        Duration.ofSeconds(10),
        Duration.ofMinutes(1),
        Duration.ofMinutes(5),
        Duration.ofMinutes(15),
        Duration.ofHours(1),
        Duration.ofHours(4),
        Duration.ofHours(12),
        Duration.ofDays(2)
    };

    private static final String OLDEST = "millrace.runs.oldest.seconds";
    private static final String OPEN = "millrace.runs.open";

    private final MeterRegistry registry;
    private final Map<RunId, OpenRun> open = new ConcurrentHashMap<>();
    private final ModelMetrics models;
    private final QueueMetrics queues;

    private record OpenRun(RunStatus status, Instant requestedAt) {}

    public ConductorMetrics(MeterRegistry registry) {
        this.registry = registry;
        this.models = new ModelMetrics(registry);
        this.queues = new QueueMetrics(registry);
        // A registry keeps the gauge it has: that of a conductor which could not open its state and began anew.
        Stream.of(OLDEST, OPEN)
                .flatMap(name -> registry.find(name).gauges().stream())
                .forEach(registry::remove);
        Gauge.builder(OLDEST, open, ConductorMetrics::oldestSeconds)
                .description("For how long the oldest run has been open; 0 if none is")
                .register(registry);
        for (RunStatus status : RunStatus.values()) {
            if (!status.ended()) {
                registry.gauge(
                        OPEN,
                        Tags.of("status", status.wireName()),
                        open,
                        runs -> runs.values().stream()
                                .filter(run -> run.status() == status)
                                .count());
            }
        }
    }

    /** A run as the task found it or left it. */
    void stands(RunId run, RunStatus status, Instant requestedAt) {
        if (status.ended()) {
            open.remove(run);
        } else {
            open.put(run, new OpenRun(status, requestedAt));
        }
    }

    /** Of the models that serving teams get. */
    ModelMetrics models() {
        return models;
    }

    /** Of the jobs that wait. */
    QueueMetrics queues() {
        return queues;
    }

    /** What a worker's word, which changed something, tells of the work. */
    void heard(JobEvent news) {
        if (news instanceof JobSucceeded success && !success.fromStore()) {
            Counter.builder("millrace.compute.seconds")
                    .description("Time that workers spent on jobs whose results stand")
                    .tags(
                            "stage",
                            success.job().stage().wireName(),
                            "device",
                            success.job().device().name())
                    .register(registry)
                    .increment(success.cost().compute().toMillis() / 1e3);
        }
    }

    /** The task that knew this run goes to another conductor, or ends. */
    void leaves(RunId run) {
        open.remove(run);
    }

    void wrote(Event event) {
        switch (event) {
            case Job job ->
                registry.counter("millrace.jobs.issued", QueueMetrics.tags(job)).increment();
            case RunChanged run -> changed(run);
            case ModelPublished model ->
                decided("accepted", "millrace.models.published", model.model(), model.target());
            case ModelRejected model -> decided("rejected", "millrace.models.rejected", model.model(), model.target());
            default -> {}
        }
    }

    void deadLetter() {
        registry.counter("millrace.dead.letters").increment();
    }

    void unknownKind(String schema) {
        registry.counter("millrace.unknown.kinds", "schema", schema).increment();
    }

    /** An event of a job that nobody waits for, or a request that changes nothing. */
    void ignored(String kind) {
        registry.counter("millrace.events.ignored", "kind", kind).increment();
    }

    private void changed(RunChanged run) {
        registry.counter("millrace.runs.changed", "status", run.status().wireName())
                .increment();
        if (run.status() == RunStatus.BACKING_OFF) {
            String reason =
                    run.failure().map(failure -> failure.reason().code()).orElse("");
            registry.counter("millrace.jobs.backed.off", "reason", reason).increment();
        }
        if (run.status().ended()) {
            Timer.builder("millrace.run.duration")
                    .description("From the request of a run to its end")
                    .serviceLevelObjectives(BUCKETS)
                    .tags("target", run.target(), "status", run.status().wireName())
                    .register(registry)
                    .record(Duration.between(run.requestedAt(), run.at()));
        }
    }

    private static double oldestSeconds(Map<RunId, OpenRun> runs) {
        return runs.values().stream()
                .map(OpenRun::requestedAt)
                .min(Comparator.naturalOrder())
                .map(since -> Duration.between(since, Instant.now()).toMillis() / 1e3)
                .orElse(0.0);
    }

    private void decided(String decision, String ofModel, ModelName model, String target) {
        registry.counter("millrace.gate.decisions", "decision", decision).increment();
        registry.counter(ofModel, "model", model.value(), "target", target).increment();
    }
}
