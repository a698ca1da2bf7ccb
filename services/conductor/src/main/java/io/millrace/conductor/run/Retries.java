package io.millrace.conductor.run;

import io.millrace.conductor.timers.BackOff;
import io.millrace.events.Failure;
import io.millrace.events.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** What the failure of an attempt does to its ticket: who is to blame decides between its end and a pause. */
final class Retries {
    private final int attempts;
    private final BackOff backOff;

    Retries(Limits limits) {
        this.attempts = limits.attempts();
        this.backOff = new BackOff(limits.firstPause(), limits.longestPause());
    }

    /**
     * The attempt that stands failed.
     *
     * @param retryAfter the shortest pause that makes sense to whoever failed
     * @param failedAt the worker's time of the failure
     */
    TicketStep failed(Ticket ticket, Failure failure, Duration retryAfter, Optional<Instant> failedAt, Instant now) {
        int attempt = ticket.job().attempt();
        return switch (failure.blame()) {
            case CHECKPOINT, POLICY, RECIPE -> givenUp(ticket, failure, now);
            case SURROUNDINGS -> paused(ticket, failure, attempt, retryAfter, failedAt, now);
            case OURSELVES ->
                attempt - ticket.firstAttempt() + 1 >= attempts
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
        Ticket.Paused pause = new Ticket.Paused(until, failure, ticket.job().attempt());
        return TicketStep.standing(
                ticket.paused(pause, nextAttempt, pauses + 1, failedAt),
                until,
                new RunEvent.StepPaused(ticket.key(), nextAttempt, failure, until, now));
    }
}
