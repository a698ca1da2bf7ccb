package io.millrace.conductor.run;

import io.millrace.conductor.run.Ticket.Abandoned;
import io.millrace.conductor.run.Ticket.Paused;
import io.millrace.conductor.run.Ticket.Queued;
import io.millrace.conductor.run.Ticket.Running;
import io.millrace.events.Job;
import io.millrace.events.JobCancelled;
import io.millrace.events.JobEvent;
import io.millrace.events.RunId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A job's way through queue, work, pauses and attempts, as runs and workers move it; {@link Timeouts} has what moves it
 * when they are silent.
 *
 * <pre>
 * Queued ──► Running ──► (succeeded, failed for good: no ticket)
 *   ▲           │
 *   └─ Paused ◄─┘                     nobody waits any more ──► Abandoned ──asked again──► Queued
 * </pre>
 *
 * A word of success or life counts whatever its attempt: the key says that it is the same work. A failure counts only
 * for the attempt that stands.
 */
final class TicketMachine {
    private final Limits limits;
    private final Retries retries;

    TicketMachine(Limits limits) {
        this.limits = limits;
        this.retries = new Retries(limits);
    }

    /** @param ofKey the tickets of this job, for whatever device */
    TicketStep ask(List<Ticket> ofKey, Job job, RunId run, Instant now) {
        Optional<Ticket> standing = ofKey.stream()
                .filter(ticket -> ticket.device().equals(job.device()))
                .findFirst();
        if (standing.isEmpty() || standing.get().isAbandoned()) {
            Ticket ticket = Ticket.issued(job, run, now);
            return TicketStep.issued(ticket, restored(ofKey, TicketId.of(ticket)), now.plus(limits.unattended()));
        }
        Ticket ticket = standing.get();
        int attempt = ticket.job().attempt();
        Ticket joined = ticket.waiting().contains(run)
                ? ticket
                : ticket.with(
                        Stream.concat(ticket.waiting().stream(), Stream.of(run)).toList());
        RunEvent news = switch (ticket.phase()) {
            case Running _ -> new RunEvent.StepStarted(ticket.key(), attempt, now);
            case Paused pause -> new RunEvent.StepPaused(ticket.key(), attempt, pause.failure(), pause.until(), now);
            case Queued queued when queued.unattended() -> new RunEvent.StepUnattended(ticket.key(), now);
            case Queued _, Abandoned _ -> new RunEvent.StepIssued(ticket.key(), attempt, now);
        };
        return TicketStep.forOne(joined, run, List.of(news));
    }

    /** What was told when nobody waited for the job on this device, or on any. */
    private static List<Output> restored(List<Ticket> ofKey, TicketId id) {
        if (ofKey.isEmpty()) {
            return List.of();
        }
        Output here = new Output.RestoreOnDevice(id);
        return ofKey.stream().allMatch(Ticket::isAbandoned)
                ? List.of(new Output.RestoreJob(id.model(), id.job()), here)
                : List.of(here);
    }

    /** The workers of its device are told, and those of every device once nobody waits for the job on any. */
    TicketStep leave(List<Ticket> ofKey, Ticket ticket, RunId run, String why, Instant now) {
        List<RunId> others =
                ticket.waiting().stream().filter(other -> !other.equals(run)).toList();
        Ticket left = ticket.with(others);
        if (!others.isEmpty()) {
            return TicketStep.forOne(left, run, List.of());
        }
        boolean wanted =
                ofKey.stream().anyMatch(other -> !other.device().equals(ticket.device()) && !other.isAbandoned());
        JobCancelled cancelled = new JobCancelled(Optional.of(ticket.job().model()), ticket.key(), now, why);
        Output here = new Output.CancelOnDevice(cancelled, ticket.device());
        return TicketStep.abandoned(
                left.with(new Abandoned(now)),
                wanted ? List.of(here) : List.of(here, new Output.Publish(cancelled)),
                now.plus(limits.abandonedKept()));
    }

    TicketStep apply(Ticket ticket, JobEvent event, Instant now) {
        if (ticket.isAbandoned()) {
            return TicketStep.ignored(ticket);
        }
        int attempt = event.job().attempt();
        return switch (event) {
            case JobEvent.JobStarted _ when isStale(ticket, event) -> TicketStep.ignored(ticket);
            case JobEvent.JobProgressed _ when isStale(ticket, event) -> TicketStep.ignored(ticket);
            case JobEvent.JobStarted _ ->
                alive(ticket, event, new RunEvent.StepStarted(ticket.key(), attempt, now), now);
            case JobEvent.JobProgressed progress ->
                alive(
                        ticket,
                        event,
                        new RunEvent.StepProgressed(
                                ticket.key(), attempt, progress.done(), progress.total(), progress.message(), now),
                        now);
            case JobEvent.JobSucceeded success ->
                TicketStep.ended(
                        ticket,
                        new RunEvent.StepSucceeded(
                                ticket.key(),
                                event.job().device(),
                                attempt,
                                success.output(),
                                success.sizeBytes(),
                                success.measurements(),
                                success.cost(),
                                success.fromStore(),
                                now));
            case JobEvent.JobFailed failed ->
                attempt == ticket.job().attempt()
                                && !(ticket.phase() instanceof Paused)
                                && !ticket.lastFailureAt().equals(Optional.of(failed.at()))
                        ? retries.failed(ticket, failed.failure(), failed.retryAfter(), Optional.of(failed.at()), now)
                        : TicketStep.ignored(ticket);
        };
    }

    private TicketStep alive(Ticket ticket, JobEvent event, RunEvent news, Instant now) {
        Ticket standing =
                wasSilent(ticket, event) ? ticket.withAttempt(event.job().attempt()) : ticket;
        return TicketStep.standing(standing.running(), now.plus(limits.signOfLife()), news);
    }

    /** An attempt that was given up for its silence lives after all, and the next one has not begun. */
    private static boolean wasSilent(Ticket ticket, JobEvent event) {
        return !(ticket.phase() instanceof Running)
                && event.job().attempt() >= ticket.firstAttempt()
                && event.job().attempt() < ticket.job().attempt()
                && ticket.lastFailureAt().filter(at -> !event.at().isAfter(at)).isEmpty();
    }

    /** The attempt that the pause follows spoke before it failed; the broker delivers that once more. */
    private static boolean isStale(Ticket ticket, JobEvent event) {
        return ticket.phase() instanceof Paused pause
                && event.job().attempt() == pause.ended()
                && ticket.lastFailureAt().filter(at -> !event.at().isAfter(at)).isPresent();
    }
}
