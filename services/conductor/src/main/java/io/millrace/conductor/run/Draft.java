package io.millrace.conductor.run;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Everything that one record or deadline wants changed: tables, outputs and deadlines. Nothing is done before commit. */
public final class Draft {
    private final List<Overlay<?>> overlays = new ArrayList<>();
    private final List<Output> outputs = new ArrayList<>();
    private final Map<TicketId, Optional<Instant>> deadlines = new TreeMap<>();
    private final Tables tables;

    public Draft(Tables base) {
        this.tables = new Tables(
                over(base.open()),
                over(base.ended()),
                over(base.tickets()),
                over(base.checkpoints()),
                over(base.newest()),
                over(base.latest()),
                over(base.policies()),
                over(base.arrivals()),
                over(base.changes()));
    }

    /** The tables as they will be. */
    public Tables tables() {
        return tables;
    }

    public void emit(Output output) {
        outputs.add(output);
    }

    /** It is not to be done after all. */
    public void withdraw(Output output) {
        outputs.remove(output);
    }

    void wake(TicketId ticket, Optional<Instant> at) {
        deadlines.put(ticket, at);
    }

    public List<Output> outputs() {
        return List.copyOf(outputs);
    }

    /** When to look at a ticket again; empty when there is nothing to wait for any more. */
    public Map<TicketId, Optional<Instant>> deadlines() {
        return Map.copyOf(deadlines);
    }

    /** Writes the tables. */
    public void commit() {
        overlays.forEach(Overlay::commit);
    }

    private <V> Table<V> over(Table<V> base) {
        Overlay<V> overlay = new Overlay<>(base);
        overlays.add(overlay);
        return overlay;
    }
}
