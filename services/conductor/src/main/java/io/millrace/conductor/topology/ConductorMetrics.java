package io.millrace.conductor.topology;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.millrace.conductor.run.Ticket;
import io.millrace.conductor.run.TicketId;
import io.millrace.events.Event;
import io.millrace.events.Job;
import io.millrace.events.ModelPublished;
import io.millrace.events.ModelRejected;
import io.millrace.events.RunChanged;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** What the conductor counts. */
public final class ConductorMetrics {
    private final MeterRegistry registry;
    private final Map<Tags, Set<TicketId>> unattended = new ConcurrentHashMap<>();
    private final Map<RunId, RunStatus> open = new ConcurrentHashMap<>();

    public ConductorMetrics(MeterRegistry registry) {
        this.registry = registry;
        for (RunStatus status : RunStatus.values()) {
            if (!status.ended()) {
                registry.gauge(
                        "millrace.runs.open",
                        Tags.of("status", status.wireName()),
                        open,
                        runs -> runs.values().stream().filter(status::equals).count());
            }
        }
    }

    /** A run as the task found it or left it. */
    void stands(RunId run, RunStatus status) {
        if (status.ended()) {
            open.remove(run);
        } else {
            open.put(run, status);
        }
    }

    /** The task that knew this run goes to another conductor, or ends. */
    void leaves(RunId run) {
        open.remove(run);
    }

    void wrote(Event event) {
        switch (event) {
            case Job job -> registry.counter("millrace.jobs.issued", queue(job)).increment();
            case RunChanged run -> changed(run);
            case ModelPublished _ -> decided("accepted");
            case ModelRejected _ -> decided("rejected");
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

    /** A job waits on a queue that nobody works, or does so no more. */
    void waits(TicketId id, Optional<Ticket> ticket) {
        unattended.values().forEach(waiting -> waiting.remove(id));
        ticket.filter(standing -> standing.phase() instanceof Ticket.Queued queued && queued.unattended())
                .ifPresent(standing -> unattended
                        .computeIfAbsent(queue(standing.job()), this::gauge)
                        .add(id));
    }

    private Set<TicketId> gauge(Tags queue) {
        Set<TicketId> waiting = ConcurrentHashMap.newKeySet();
        registry.gauge("millrace.jobs.unattended", queue, waiting, Set::size);
        return waiting;
    }

    private void changed(RunChanged run) {
        registry.counter("millrace.runs.changed", "status", run.status().wireName())
                .increment();
        if (run.status() == RunStatus.BACKING_OFF) {
            String reason =
                    run.failure().map(failure -> failure.reason().code()).orElse("");
            registry.counter("millrace.jobs.backed.off", "reason", reason).increment();
        }
    }

    private void decided(String decision) {
        registry.counter("millrace.gate.decisions", "decision", decision).increment();
    }

    private static Tags queue(Job job) {
        return Tags.of("stage", job.stage().wireName(), "device", job.device().name());
    }
}
