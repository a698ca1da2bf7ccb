package io.millrace.conductor.topology;

import io.millrace.conductor.run.Coordinator;
import io.millrace.conductor.run.Draft;
import io.millrace.conductor.run.Planner;
import io.millrace.conductor.run.Table;
import io.millrace.conductor.run.Ticket;
import io.millrace.conductor.run.Tickets;
import io.millrace.conductor.run.Tried;
import io.millrace.events.Failure;
import io.millrace.events.JobKey;
import io.millrace.events.ModelName;
import io.millrace.events.Reason;
import io.millrace.events.RunId;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** Ends the runs that an unreadable entry of the store belongs to, where anyone sees it and can retry. */
record Salvage(Coordinator coordinator, Draft draft, Instant now) {
    void of(Unreadable.Entry entry) {
        if (entry.model().isEmpty() || entry.rest().isEmpty()) {
            return;
        }
        ModelName model = new ModelName(entry.model().get());
        switch (entry.table()) {
            case Stores.OPEN_RUNS -> fail(model, RunId.parse(entry.rest().get()), entry, failure("of this run", entry));
            case Stores.TICKETS ->
                failWaiting(model, job(entry.rest().get()), failure("of the job it waits for", entry));
            default -> {} // no open run rests on it
        }
    }

    private void fail(ModelName model, RunId id, Unreadable.Entry entry, Failure failure) {
        entry.request()
                .filter(request -> request.id().equals(id))
                .or(() -> new Planner(coordinator, draft).request(model, id, now))
                .ifPresent(request -> coordinator.refused(request, failure, now));
    }

    /** Without the device, which follows it where the entry is a second device's. */
    private static JobKey job(String rest) {
        return JobKey.parse(rest.split("\\|", 2)[0]);
    }

    private void failWaiting(ModelName model, JobKey job, Failure failure) {
        List<Ticket> readable = new Tickets(draft.tables()).of(model, job);
        List<RunId> waiting = new ArrayList<>();
        draft.tables().open().forEach(Table.prefix(model), (_, run) -> {
            boolean known =
                    readable.stream().anyMatch(ticket -> ticket.waiting().contains(run.id()));
            if (run.job().key().equals(job) && !known) {
                waiting.add(run.id());
            }
        });
        waiting.forEach(run -> coordinator.broken(model, run, failure, Tried.KEPT, now));
    }

    private static Failure failure(String what, Unreadable.Entry entry) {
        return new Failure(
                Reason.CONDUCTOR_ERROR,
                "the conductor's state " + what + " is damaged, or written by a newer version, and lies in the dead"
                        + " letters under the key '" + entry.key()
                        + "'; retry takes from the store what is done already");
    }
}
