package io.millrace.conductor.run;

import io.millrace.events.Device;
import io.millrace.events.JobKey;
import io.millrace.events.ModelName;
import java.util.Comparator;

/** Names a ticket among those of all models: the same job for another device waits in another queue. */
public record TicketId(ModelName model, JobKey job, Device device) implements Comparable<TicketId> {
    private static final Comparator<TicketId> ORDER =
            Comparator.comparing(TicketId::model).thenComparing(TicketId::job).thenComparing(TicketId::device);

    public static TicketId of(Ticket ticket) {
        return new TicketId(ticket.job().model(), ticket.key(), ticket.device());
    }

    @Override
    public int compareTo(TicketId other) {
        return ORDER.compare(this, other);
    }

    @Override
    public String toString() {
        return Table.key(model, job) + "|" + device;
    }
}
