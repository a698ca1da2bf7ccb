package io.millrace.conductor.run;

import io.millrace.events.RunId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What an event did to a ticket.
 *
 * @param ticket as it stands now; empty once the job has its end
 * @param news for each run in {@code told}
 * @param told the runs to tell
 * @param issue put the ticket's job into its queue
 * @param cancellations what the workers are told of nobody's waiting, or of that being over
 * @param wake when to look at the ticket again; empty leaves that as it is
 */
record TicketStep(
        Optional<Ticket> ticket,
        List<RunEvent> news,
        List<RunId> told,
        boolean issue,
        List<Output> cancellations,
        Optional<Instant> wake) {
    static TicketStep ignored(Ticket ticket) {
        return new TicketStep(Optional.of(ticket), List.of(), List.of(), false, List.of(), Optional.empty());
    }

    static TicketStep issued(Ticket ticket, List<Output> restore, Instant wake, RunEvent... news) {
        return new TicketStep(Optional.of(ticket), List.of(news), ticket.waiting(), true, restore, Optional.of(wake));
    }

    static TicketStep standing(Ticket ticket, Instant wake, RunEvent... news) {
        return new TicketStep(
                Optional.of(ticket), List.of(news), ticket.waiting(), false, List.of(), Optional.of(wake));
    }

    static TicketStep ended(Ticket ticket, RunEvent news) {
        return new TicketStep(Optional.empty(), List.of(news), ticket.waiting(), false, List.of(), Optional.empty());
    }

    static TicketStep forgotten(List<Output> restore) {
        return new TicketStep(Optional.empty(), List.of(), List.of(), false, restore, Optional.empty());
    }

    static TicketStep forOne(Ticket ticket, RunId run, List<RunEvent> news) {
        return new TicketStep(Optional.of(ticket), news, List.of(run), false, List.of(), Optional.empty());
    }

    static TicketStep abandoned(Ticket ticket, List<Output> cancel, Instant wake) {
        return new TicketStep(Optional.of(ticket), List.of(), List.of(), false, cancel, Optional.of(wake));
    }
}
