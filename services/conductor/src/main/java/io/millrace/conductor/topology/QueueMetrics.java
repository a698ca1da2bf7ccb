package io.millrace.conductor.topology;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.millrace.conductor.run.Ticket;
import io.millrace.conductor.run.TicketId;
import io.millrace.events.Job;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** What waits in the queues of the jobs. Only the conductor can tell it of a queue that has no worker to be asked. */
final class QueueMetrics {
    private final MeterRegistry registry;
    private final Map<Tags, Map<TicketId, Ticket.Queued>> waiting = new ConcurrentHashMap<>();
    private final Map<Tags, Map<TicketId, Integer>> pauses = new ConcurrentHashMap<>();

    QueueMetrics(MeterRegistry registry) {
        this.registry = registry;
    }

    /** A job as the task found it or left it; empty if it is done, or goes to another conductor. */
    void stands(TicketId id, Optional<Ticket> ticket) {
        waiting.values().forEach(queue -> queue.remove(id));
        pauses.values().forEach(jobs -> jobs.remove(id));
        ticket.filter(standing -> !standing.waiting().isEmpty())
                .ifPresent(standing -> pauses.computeIfAbsent(tags(standing.job()), this::paused)
                        .put(id, standing.pauses()));
        ticket.ifPresent(standing -> {
            if (standing.phase() instanceof Ticket.Queued queued) {
                waiting.computeIfAbsent(tags(standing.job()), this::shown).put(id, queued);
            }
        });
    }

    private Map<TicketId, Ticket.Queued> shown(Tags tags) {
        Map<TicketId, Ticket.Queued> queue = new ConcurrentHashMap<>();
        Gauge.builder("millrace.queue.oldest.seconds", queue, QueueMetrics::oldestSeconds)
                .description("For how long the oldest job has waited that no worker has begun; 0 if none waits")
                .tags(tags)
                .register(registry);
        registry.gauge(
                "millrace.jobs.unattended",
                tags,
                queue,
                jobs -> jobs.values().stream().filter(Ticket.Queued::unattended).count());
        return queue;
    }

    private Map<TicketId, Integer> paused(Tags tags) {
        Map<TicketId, Integer> jobs = new ConcurrentHashMap<>();
        Gauge.builder(
                        "millrace.job.pauses",
                        jobs,
                        all -> all.values().stream()
                                .mapToInt(Integer::intValue)
                                .max()
                                .orElse(0))
                .description("How often the unfinished job that was put off most often was put off; 0 if none was")
                .tags(tags)
                .register(registry);
        return jobs;
    }

    private static double oldestSeconds(Map<TicketId, Ticket.Queued> queue) {
        return queue.values().stream()
                .map(Ticket.Queued::since)
                .min(Comparator.naturalOrder())
                .map(since -> Duration.between(since, Instant.now()).toMillis() / 1e3)
                .orElse(0.0);
    }

    static Tags tags(Job job) {
        return Tags.of("stage", job.stage().wireName(), "device", job.device().name());
    }
}
