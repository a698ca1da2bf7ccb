package io.millrace.conductor.run;

import io.millrace.conductor.run.Ticket.Abandoned;
import io.millrace.conductor.run.Ticket.Paused;
import io.millrace.conductor.run.Ticket.Queued;
import io.millrace.conductor.run.Ticket.Running;
import io.millrace.conductor.timers.BackOff;
import io.millrace.events.Failure;
import io.millrace.events.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What becomes of a ticket of which nobody says anything: how long each phase may last, and what its end means.
 *
 * <p>Every limit starts from {@code now}, the conductor's time at which it learns of something: clocks of workers are
 * never compared with its own.
 */
final class Timeouts {
    private final Limits limits;
    private final Retries retries;

    Timeouts(Limits limits) {
        this.limits = limits;
        this.retries = new Retries(limits);
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
                retries.failed(
                        ticket,
                        new Failure(
                                Reason.NO_SIGN_OF_LIFE,
                                "the worker of attempt " + ticket.job().attempt() + " said nothing for "
                                        + limits.signOfLife().toSeconds() + " s"),
                        Duration.ZERO,
                        ticket.lastFailureAt(),
                        now);
            case Paused _ ->
                again(
                        ticket,
                        now,
                        new RunEvent.StepIssued(ticket.key(), ticket.job().attempt(), now));
            case Abandoned _ -> TicketStep.forgotten(restored(ticket));
        };
    }

    /**
     * Kafka deletes an old cancellation without a word to the workers that know of it: to one that has run all the time the
     * job would stay cancelled, and a run that asks for it again would never end. The same job for another device that
     * nobody waits for either has a cancellation of its own.
     */
    private static List<Output> restored(Ticket ticket) {
        TicketId id = TicketId.of(ticket);
        return List.of(new Output.RestoreJob(id.model(), id.job()), new Output.RestoreOnDevice(id));
    }

    /** Its record is in no queue any more, if it was issued before its queue lost what was in it. */
    TicketStep lost(Ticket ticket, LostQueues losses, Instant now) {
        return ticket.phase() instanceof Queued queued && losses.lost(ticket.job(), queued.since())
                ? again(ticket, now)
                : TicketStep.ignored(ticket);
    }

    /** When to look at a ticket that a starting task found: counted anew, but for the issue of a job in the queue. */
    Instant wakeAfterStart(Ticket ticket, Instant now) {
        return switch (ticket.phase()) {
            case Queued _ when ticket.outdated() -> now;
            case Queued queued -> {
                Instant heard = now.plus(limits.unattended());
                Instant end = earlier(queued.since().plus(limits.queue()), now.plus(limits.queue()));
                yield queued.unattended() && end.isAfter(heard) ? end : heard;
            }
            case Running _ -> now.plus(limits.signOfLife());
            case Paused pause -> earlier(pause.until(), now.plus(BackOff.LONGEST_RETRY_AFTER));
            case Abandoned(Instant since) -> earlier(since, now).plus(limits.abandonedKept());
        };
    }

    /** At the end of its time in the queue its record counts as lost. Before that it waits its turn, or for a worker. */
    private TicketStep queued(Ticket ticket, Queued queued, Optional<Instant> worked, Instant now) {
        Instant end = queued.since().plus(limits.queue());
        if (ticket.outdated() || !now.isBefore(end)) {
            return again(ticket, now);
        }
        if (queued.unattended()) {
            return TicketStep.standing(ticket, end);
        }
        if (worked.isPresent()) {
            return TicketStep.standing(ticket, earlier(worked.get().plus(limits.unattended()), end));
        }
        return TicketStep.standing(
                ticket.with(new Queued(queued.since(), true)), end, new RunEvent.StepUnattended(ticket.key(), now));
    }

    private TicketStep again(Ticket ticket, Instant now, RunEvent... news) {
        return TicketStep.issued(ticket.with(new Queued(now, false)), List.of(), now.plus(limits.unattended()), news);
    }

    private static Instant earlier(Instant one, Instant other) {
        return one.isBefore(other) ? one : other;
    }
}
