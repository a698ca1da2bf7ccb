package io.millrace.conductor.topology;

import io.millrace.conductor.run.Coordinator;
import io.millrace.conductor.run.Draft;
import io.millrace.conductor.run.Output;
import io.millrace.conductor.run.Queue;
import io.millrace.conductor.run.RunState;
import io.millrace.conductor.run.Tables;
import io.millrace.conductor.run.Ticket;
import io.millrace.conductor.run.TicketId;
import io.millrace.conductor.timers.Deadlines;
import io.millrace.events.Event;
import io.millrace.events.wire.Decoded;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.apache.kafka.streams.state.KeyValueStore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads a record, has it decided, and carries the decision out: all of it, or, where the conductor itself fails, nothing
 * but a dead letter and the failure of the runs that the record speaks of. The partition goes on either way.
 */
final class Decide implements Processor<String, byte[], byte[], Outgoing> {
    private static final Logger LOG = LoggerFactory.getLogger(Decide.class);
    private static final int DEADLINES_PER_TICK = 500;
    private static final Duration BETWEEN_CLEANINGS = Duration.ofHours(6);
    private static final int FORGOTTEN_PER_CLEANING = 1000;

    private final Wiring wiring;
    private final Outbox outbox;
    private final Deadlines<TicketId> deadlines = new Deadlines<>();
    private final Unreadable unreadable = new Unreadable();
    private final TaskMetrics shown;
    private Instant lossSeen = Instant.EPOCH;
    private @Nullable ProcessorContext<byte[], Outgoing> context;
    private @Nullable Tables tables;

    Decide(Wiring wiring) {
        this.wiring = wiring;
        this.outbox = new Outbox(wiring);
        this.shown = new TaskMetrics(wiring.metrics());
    }

    @Override
    public void init(ProcessorContext<byte[], Outgoing> newContext) {
        context = newContext;
        tables = Stores.tables(newContext.getStateStore(Stores.STATE), unreadable);
        Instant now = now();
        Draft draft = new Draft(tables());
        Coordinator coordinator = new Coordinator(wiring.limits(), wiring.worked(), draft);
        tables().tickets().forEach("", (_, ticket) -> {
            coordinator.restarted(ticket, now);
            if (ticket.phase() instanceof Ticket.Queued) {
                wiring.lost().standing(Queue.of(ticket.job()));
            }
        });
        follow(draft);
        shown.start(tables());
        newContext.schedule(wiring.tick(), PunctuationType.WALL_CLOCK_TIME, _ -> wake());
        newContext.schedule(BETWEEN_CLEANINGS, PunctuationType.WALL_CLOCK_TIME, _ -> forget());
    }

    @Override
    public void close() {
        deadlines.keys().forEach(id -> wiring.metrics().queues().stands(id, Optional.empty()));
        shown.takeBack();
    }

    @Override
    public void process(Record<String, byte[]> record) {
        RecordMetadata metadata = Origin.of(context());
        Instant now = now();
        if (record.value() == null) {
            if (metadata.topic().equals(wiring.topics().policiesByPartition())) {
                Dispatch dispatch = new Dispatch(wiring, Instant.ofEpochMilli(record.timestamp()), now);
                carryOut(record, metadata, draft -> dispatch.deletePolicy(record.key(), draft), _ -> {}, now);
            } else {
                refuse(record, metadata, "a tombstone has no meaning on this topic", now);
            }
            return;
        }
        switch (wiring.codec().decode(record.value())) {
            case Decoded.Known(Event event) -> {
                Dispatch dispatch = new Dispatch(wiring, Instant.ofEpochMilli(record.timestamp()), now);
                carryOut(
                        record,
                        metadata,
                        draft -> dispatch.decide(record.key(), event, draft),
                        draft -> dispatch.fail(event, draft),
                        now);
            }
            case Decoded.UnknownKind(String schema) -> wiring.metrics().unknownKind(schema);
            case Decoded.Undecodable(String why) -> refuse(record, metadata, why, now);
        }
    }

    private void carryOut(
            Record<String, byte[]> record,
            RecordMetadata metadata,
            Consumer<Draft> decision,
            Consumer<Draft> failure,
            Instant now) {
        Optional<String> problem = attempt(decision, now);
        if (problem.isPresent()) {
            attempt(failure, now);
            refuse(record, metadata, problem.get(), now);
        }
    }

    /** Decides and acts; returns why the record belongs to the dead letters, if it does. */
    private Optional<String> attempt(Consumer<Draft> decision, Instant now) {
        Draft draft = new Draft(tables());
        List<Outgoing> encoded;
        try {
            decision.accept(draft);
            encoded = outbox.encode(draft);
        } catch (KafkaException e) {
            throw e; // the broker or a store, not the record
        } catch (RuntimeException e) {
            LOG.atError().setCause(e).log("the conductor cannot decide on a record");
            return Optional.of("conductor-error: " + e);
        }
        outbox.ensureQueues(draft);
        draft.commit();
        encoded.forEach(outgoing -> Outbox.forward(context(), outgoing, now));
        outbox.count(draft);
        shown.follow(draft);
        follow(draft);
        return draft.outputs().stream()
                .flatMap(output -> output instanceof Output.RefuseRecord(String why) ? Stream.of(why) : Stream.empty())
                .findFirst();
    }

    private void follow(Draft draft) {
        draft.deadlines().forEach((id, at) -> {
            at.ifPresentOrElse(time -> deadlines.set(id, time), () -> deadlines.clear(id));
            wiring.metrics().queues().stands(id, draft.tables().tickets().get(id.toString()));
        });
    }

    private void wake() {
        Instant now = now();
        Dispatch dispatch = new Dispatch(wiring, now, now);
        unreadable.take().forEach(entry -> moveAway(entry, dispatch));
        if (wiring.lost().last().isAfter(lossSeen)) {
            lossSeen = wiring.lost().last();
            List<TicketId> all = new ArrayList<>();
            tables().tickets().forEach("", (_, ticket) -> all.add(TicketId.of(ticket)));
            all.forEach(id -> attempt(draft -> dispatch.lost(id, draft), now));
        }
        for (TicketId id : deadlines.due(now, DEADLINES_PER_TICK)) {
            if (!deadlines.isDue(id, now)) {
                continue;
            }
            Optional<String> problem = attempt(draft -> dispatch.due(id, draft), now);
            if (problem.isPresent()) {
                deadlines.clear(id);
                attempt(draft -> dispatch.failTicket(id, problem.get(), draft), now);
            }
        }
    }

    /** Written again since it was found, the entry is whole. */
    private void moveAway(Unreadable.Entry entry, Dispatch dispatch) {
        KeyValueStore<String, byte[]> store = context().getStateStore(Stores.STATE);
        int partition = context().taskId().partition();
        LOG.atError()
                .addKeyValue("key", entry.key())
                .addKeyValue("partition", partition)
                .log("an entry of the conductor's state goes to the dead letters: {}", entry.why());
        Outbox.forward(context(), outbox.deadLetter(entry.origin(partition), entry.why()), dispatch.now());
        if (entry.isStillIn(store)) {
            store.delete(entry.key());
        }
        attempt(draft -> dispatch.salvage(entry, draft), dispatch.now());
    }

    private void forget() {
        Instant now = now();
        Instant before = now.minus(wiring.limits().endedKept());
        attempt(
                draft -> {
                    List<RunState.Ended> old = new ArrayList<>();
                    tables().ended().forEach("", (_, run) -> {
                        if (old.size() < FORGOTTEN_PER_CLEANING && run.at().isBefore(before)) {
                            old.add(run);
                        }
                    });
                    Coordinator coordinator = new Coordinator(wiring.limits(), wiring.worked(), draft);
                    old.forEach(coordinator::forget);
                },
                now);
    }

    private void refuse(Record<String, byte[]> record, RecordMetadata metadata, String why, Instant now) {
        LOG.atWarn()
                .addKeyValue("topic", metadata.topic())
                .addKeyValue("partition", metadata.partition())
                .addKeyValue("offset", metadata.offset())
                .log("a record goes to the dead letters: {}", why);
        Outbox.forward(context(), outbox.deadLetter(Origin.record(record, metadata), why), now);
    }

    private Instant now() {
        return Instant.ofEpochMilli(context().currentSystemTimeMs());
    }

    private ProcessorContext<byte[], Outgoing> context() {
        return Objects.requireNonNull(context);
    }

    private Tables tables() {
        return Objects.requireNonNull(tables);
    }
}
