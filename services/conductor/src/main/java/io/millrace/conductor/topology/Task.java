package io.millrace.conductor.topology;

import io.millrace.conductor.run.Coordinator;
import io.millrace.conductor.run.Draft;
import io.millrace.conductor.run.Output;
import io.millrace.conductor.run.Queue;
import io.millrace.conductor.run.Tables;
import io.millrace.conductor.run.Ticket;
import io.millrace.conductor.run.TicketId;
import io.millrace.conductor.run.Tickets;
import io.millrace.conductor.run.Tried;
import io.millrace.conductor.timers.Deadlines;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The models of one partition, from the start of their task to its end. A decision about them is carried out whole, or
 * leaves nothing behind.
 */
final class Task {
    private static final Logger LOG = LoggerFactory.getLogger(Task.class);

    private final Wiring wiring;
    private final ProcessorContext<byte[], Outgoing> context;
    private final Tables tables;
    private final Outbox outbox;
    private final Deadlines<TicketId> deadlines = new Deadlines<>();
    private final TaskMetrics shown;

    Task(Wiring wiring, ProcessorContext<byte[], Outgoing> context, Tables tables) {
        this.wiring = wiring;
        this.context = context;
        this.tables = tables;
        this.outbox = new Outbox(wiring);
        this.shown = new TaskMetrics(wiring.metrics());
    }

    /** Counts every limit anew, and shows what stands in the tables. */
    void start(Instant now) {
        Draft draft = new Draft(tables);
        Coordinator coordinator = new Coordinator(wiring.limits(), wiring.worked(), draft);
        tables.tickets().forEach("", (_, ticket) -> {
            coordinator.restarted(ticket, now);
            if (ticket.phase() instanceof Ticket.Queued) {
                wiring.lost().standing(Queue.of(ticket.job()));
            }
        });
        follow(draft);
        shown.start(tables);
    }

    /**
     * Why a record belongs to the dead letters.
     *
     * @param refused true if it was understood, and no run suffers from it; false if the conductor cannot decide on it
     */
    record Problem(String why, boolean refused) {}

    /** Decides and acts; returns why the record belongs to the dead letters, if it does. */
    Optional<Problem> carryOut(Consumer<Draft> decision, Instant now) {
        Draft draft = new Draft(tables);
        List<Outgoing> encoded;
        try {
            decision.accept(draft);
            outbox.ensureQueues(draft, now);
            encoded = outbox.encode(draft);
        } catch (KafkaException e) {
            throw e; // the broker or a store, not the record
        } catch (RuntimeException e) {
            LOG.atError().setCause(e).log("the conductor cannot decide on a record");
            return Optional.of(new Problem("conductor-error: " + e, false));
        }
        draft.commit();
        encoded.forEach(outgoing -> Outbox.forward(context, outgoing, now));
        outbox.count(draft);
        shown.follow(draft);
        follow(draft);
        return draft.outputs().stream()
                .flatMap(output -> output instanceof Output.RefuseRecord(String why)
                        ? Stream.of(new Problem(why, true))
                        : Stream.empty())
                .findFirst();
    }

    /** Ends runs that cannot go on: without what they tried, where a record does not hold that. */
    void fail(BiConsumer<Tried, Draft> decision, Instant now) {
        if (carryOut(draft -> decision.accept(Tried.KEPT, draft), now).isPresent()) {
            carryOut(draft -> decision.accept(Tried.DROPPED, draft), now);
        }
    }

    void bury(ConsumerRecord<String, byte[]> origin, String why, Instant now) {
        Outbox.forward(context, outbox.deadLetter(origin, why), now);
    }

    /** As they stand; a decision sees and changes them through its draft. */
    Tables tables() {
        return tables;
    }

    /** When to look at each ticket again. */
    Deadlines<TicketId> deadlines() {
        return deadlines;
    }

    /** Takes back what it shows: another conductor may go on with these models. */
    void end() {
        deadlines.keys().forEach(id -> wiring.metrics().queues().stands(id, Optional.empty()));
        shown.takeBack();
    }

    private void follow(Draft draft) {
        Tickets tickets = new Tickets(draft.tables());
        draft.deadlines().forEach((id, at) -> {
            at.ifPresentOrElse(time -> deadlines.set(id, time), () -> deadlines.clear(id));
            wiring.metrics().queues().stands(id, tickets.get(id));
        });
    }
}
