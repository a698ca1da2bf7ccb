package io.millrace.conductor.run;

import io.millrace.events.JobEvent;
import io.millrace.events.JobKey;
import io.millrace.events.ModelName;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Jobs under way, each in the queue of its device. The first of a model's job lies under its key alone, one for another
 * device, asked for while that stands, under key and device. So what a version with one ticket per key wrote is read as
 * it is, and the other way round.
 */
public record Tickets(Tables tables) {
    public Optional<Ticket> get(TicketId id) {
        return tables.tickets().get(place(id));
    }

    /** The tickets of a job, for whatever device. */
    public List<Ticket> of(ModelName model, JobKey job) {
        List<Ticket> all = new ArrayList<>();
        String first = Table.key(model, job);
        tables.tickets().get(first).ifPresent(all::add);
        tables.tickets().forEach(first + "|", (_, ticket) -> all.add(ticket));
        return all;
    }

    /** Those that a worker's word reaches: a result is everyone's, the rest belongs to the worker's own queue. */
    public List<Ticket> reachedBy(JobEvent event) {
        ModelName model = event.job().model();
        JobKey job = event.job().key();
        return event instanceof JobEvent.JobSucceeded
                ? of(model, job)
                : get(new TicketId(model, job, event.job().device())).stream().toList();
    }

    void put(Ticket ticket) {
        tables.tickets().put(place(TicketId.of(ticket)), ticket);
    }

    void delete(TicketId id) {
        tables.tickets().delete(place(id));
    }

    private String place(TicketId id) {
        String first = Table.key(id.model(), id.job());
        Optional<Ticket> atFirst = tables.tickets().get(first);
        boolean own = atFirst.isPresent()
                ? atFirst.get().device().equals(id.device())
                : tables.tickets().get(id.toString()).isEmpty();
        return own ? first : id.toString();
    }
}
