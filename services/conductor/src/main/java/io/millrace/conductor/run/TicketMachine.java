package io.millrace.conductor.run;

import io.millrace.conductor.run.Ticket.Abandoned;
import io.millrace.conductor.run.Ticket.Paused;
import io.millrace.conductor.run.Ticket.Queued;
import io.millrace.conductor.run.Ticket.Running;
import io.millrace.conductor.timers.BackOff;
import io.millrace.events.Failure;
import io.millrace.events.Job;
import io.millrace.events.JobCancelled;
import io.millrace.events.JobEvent;
import io.millrace.events.Reason;
import io.millrace.events.RunId;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A job's way through queue, work, pauses and attempts.
 *
 * <pre>
 * Queued ──► Running ──► (succeeded, failed for good: no ticket)
 *   ▲           │
 *   └─ Paused ◄─┘                     nobody waits any more ──► Abandoned ──asked again──► Queued
 * </pre>
 *
 * A word of success or life counts whatever its attempt: the key says that it is the same work. A failure counts only
 * for the attempt that stands. Every limit starts from {@code now}, the conductor's time at which it learns of
 * something: clocks of workers are never compared with its own.
 */
final class TicketMachine {
    private final Limits limits;
    private final BackOff backOff;

    TicketMachine(Limits limits) {
        this.limits = limits;
        this.backOff = new BackOff(limits.firstPause(), limits.longestPause());
    }

    TicketStep ask(Optional<Ticket> standing, Job job, RunId run, Instant now) {
        if (standing.isEmpty() || standing.get().phase() instanceof Abandoned) {
            Ticket ticket = Ticket.issued(job, run, now);
            return TicketStep.issued(ticket, standing.isPresent(), now.plus(limits.unattended()));
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

    TicketStep leave(Ticket ticket, RunId run, String why, Instant now) {
        List<RunId> others =
                ticket.waiting().stream().filter(other -> !other.equals(run)).toList();
        Ticket left = ticket.with(others);
        return others.isEmpty()
                ? TicketStep.abandoned(
                        left.with(new Abandoned()),
                        new JobCancelled(ticket.key(), now, why),
                        now.plus(limits.abandonedKept()))
                : TicketStep.forOne(left, run, List.of());
    }

    TicketStep apply(Ticket ticket, JobEvent event, Instant now) {
        if (ticket.phase() instanceof Abandoned) {
            return TicketStep.ignored(ticket);
        }
        int attempt = event.job().attempt();
        return switch (event) {
            case JobEvent.JobStarted _ when isStale(ticket, event) -> TicketStep.ignored(ticket);
            case JobEvent.JobProgressed _ when isStale(ticket, event) -> TicketStep.ignored(ticket);
            case JobEvent.JobStarted _ -> alive(ticket, new RunEvent.StepStarted(ticket.key(), attempt, now), now);
            case JobEvent.JobProgressed progress ->
                alive(
                        ticket,
                        new RunEvent.StepProgressed(
                                ticket.key(), attempt, progress.done(), progress.total(), progress.message(), now),
                        now);
            case JobEvent.JobSucceeded success ->
                TicketStep.ended(
                        ticket,
                        new RunEvent.StepSucceeded(
                                ticket.key(),
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
                        ? failed(ticket, failed.failure(), failed.retryAfter(), Optional.of(failed.at()), now)
                        : TicketStep.ignored(ticket);
        };
    }

    /**
     * The time that the ticket asked to be woken at has come.
     *
     * @param worked when a worker of its queue was heard of late
     */
    TicketStep due(Ticket ticket, Optional<Instant> worked, Instant now) {
        return switch (ticket.phase()) {
            case Queued queued -> queued(ticket, queued, worked, now);
            case Running _ ->
                failed(
                        ticket,
                        new Failure(
                                Reason.NO_SIGN_OF_LIFE,
                                "the worker of attempt " + ticket.job().attempt() + " said nothing for "
                                        + limits.signOfLife().toSeconds() + " s"),
                        Duration.ZERO,
                        ticket.lastFailureAt(),
                        now);
            case Paused _ ->
                TicketStep.issued(
                        ticket.with(new Queued(now, false)),
                        false,
                        now.plus(limits.unattended()),
                        new RunEvent.StepIssued(ticket.key(), ticket.job().attempt(), now));
            case Abandoned _ ->
                new TicketStep(
                        Optional.empty(), List.of(), List.of(), false, false, Optional.empty(), Optional.empty());
        };
    }

    /** Its record is in no queue any more, if it was issued before its queue lost what was in it. */
    TicketStep lost(Ticket ticket, LostQueues losses, Instant now) {
        return ticket.phase() instanceof Queued queued && losses.lost(ticket.job(), queued.since())
                ? again(ticket, now)
                : TicketStep.ignored(ticket);
    }

    private TicketStep again(Ticket ticket, Instant now) {
        return TicketStep.issued(ticket.with(new Queued(now, false)), false, now.plus(limits.unattended()));
    }

    /** When to look at a ticket that a starting task found: counted anew, but for the issue of a job in the queue. */
    Instant wakeAfterStart(Ticket ticket, Instant now) {
        return switch (ticket.phase()) {
            case Queued queued -> now.plus(queued.unattended() ? limits.queue() : limits.unattended());
            case Running _ -> now.plus(limits.signOfLife());
            case Paused pause -> {
                Instant latest = now.plus(BackOff.LONGEST_RETRY_AFTER);
                yield pause.until().isBefore(latest) ? pause.until() : latest;
            }
            case Abandoned _ -> now.plus(limits.abandonedKept());
        };
    }

    /** At the end of its time in the queue its record counts as lost. Before that it waits its turn, or for a worker. */
    private TicketStep queued(Ticket ticket, Queued queued, Optional<Instant> worked, Instant now) {
        Instant end = queued.since().plus(limits.queue());
        if (!now.isBefore(end)) {
            return again(ticket, now);
        }
        if (queued.unattended()) {
            return TicketStep.standing(ticket, end);
        }
        if (worked.isPresent()) {
            Instant next = worked.get().plus(limits.unattended());
            return TicketStep.standing(ticket, next.isBefore(end) ? next : end);
        }
        return TicketStep.standing(
                ticket.with(new Queued(queued.since(), true)), end, new RunEvent.StepUnattended(ticket.key(), now));
    }

    private TicketStep alive(Ticket ticket, RunEvent news, Instant now) {
        return TicketStep.standing(ticket.running(), now.plus(limits.signOfLife()), news);
    }

    /** The attempt that the pause follows spoke before it failed; the broker delivers that once more. */
    private static boolean isStale(Ticket ticket, JobEvent event) {
        return ticket.phase() instanceof Paused pause
                && event.job().attempt() == pause.ended()
                && ticket.lastFailureAt().filter(at -> !event.at().isAfter(at)).isPresent();
    }

    private TicketStep failed(
            Ticket ticket, Failure failure, Duration retryAfter, Optional<Instant> failedAt, Instant now) {
        int attempt = ticket.job().attempt();
        return switch (failure.blame()) {
            case CHECKPOINT, POLICY, RECIPE -> givenUp(ticket, failure, now);
            case SURROUNDINGS -> paused(ticket, failure, attempt, retryAfter, failedAt, now);
            case OURSELVES ->
                attempt - ticket.firstAttempt() + 1 >= limits.attempts()
                        ? givenUp(ticket, failure, now)
                        : paused(ticket, failure, attempt + 1, retryAfter, failedAt, now);
        };
    }

    private static TicketStep givenUp(Ticket ticket, Failure failure, Instant now) {
        return TicketStep.ended(
                ticket, new RunEvent.StepFailed(ticket.key(), ticket.job().attempt(), failure, now));
    }

    private TicketStep paused(
            Ticket ticket,
            Failure failure,
            int nextAttempt,
            Duration retryAfter,
            Optional<Instant> failedAt,
            Instant now) {
        // Another holder at work is no trouble that grows: ask again at an even pace.
        int pauses = failure.reason() == Reason.CLAIMED ? 0 : ticket.pauses();
        Instant until = now.plus(backOff.pause(pauses, retryAfter));
        Paused pause = new Paused(until, failure, ticket.job().attempt());
        return TicketStep.standing(
                ticket.paused(pause, nextAttempt, pauses + 1, failedAt),
                until,
                new RunEvent.StepPaused(ticket.key(), nextAttempt, failure, until, now));
    }
}
