package io.millrace.conductor.run;

import io.millrace.events.JobKey;
import io.millrace.events.ModelName;
import java.util.Comparator;

/** Names a ticket among those of all models. */
public record TicketId(ModelName model, JobKey job) implements Comparable<TicketId> {
    private static final Comparator<TicketId> ORDER =
            Comparator.comparing(TicketId::model).thenComparing(TicketId::job);

    public static TicketId of(Ticket ticket) {
        return new TicketId(ticket.job().model(), ticket.key());
    }

    @Override
    public int compareTo(TicketId other) {
        return ORDER.compare(this, other);
    }

    @Override
    public String toString() {
        return Table.key(model, job);
    }
}
