package io.millrace.conductor.topology;

import io.millrace.conductor.run.Coordinator;
import io.millrace.conductor.run.RunState;
import io.millrace.conductor.run.TicketId;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.state.KeyValueStore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a task decides by the clock: deadlines, lost queues, unreadable entries, runs that ended long ago. */
final class Punctuations {
    private static final Logger LOG = LoggerFactory.getLogger(Punctuations.class);
    private static final int DEADLINES_PER_TICK = 500;
    private static final Duration BETWEEN_CLEANINGS = Duration.ofHours(6);
    private static final int FORGOTTEN_PER_CLEANING = 1000;

    private final Wiring wiring;
    private final ProcessorContext<byte[], Outgoing> context;
    private final Task task;
    private final Unreadable unreadable;
    private Instant lossSeen = Instant.EPOCH;

    Punctuations(Wiring wiring, ProcessorContext<byte[], Outgoing> context, Task task, Unreadable unreadable) {
        this.wiring = wiring;
        this.context = context;
        this.task = task;
        this.unreadable = unreadable;
    }

    void schedule() {
        context.schedule(wiring.tick(), PunctuationType.WALL_CLOCK_TIME, _ -> wake(now()));
        context.schedule(BETWEEN_CLEANINGS, PunctuationType.WALL_CLOCK_TIME, _ -> forget(now()));
    }

    private void wake(Instant now) {
        Dispatch dispatch = new Dispatch(wiring, now, now);
        unreadable.take().forEach(entry -> moveAway(entry, dispatch));
        if (wiring.lost().last().isAfter(lossSeen)) {
            lossSeen = wiring.lost().last();
            issueLost(dispatch);
        }
        for (TicketId id : task.deadlines().due(now, DEADLINES_PER_TICK)) {
            if (task.deadlines().isDue(id, now)) {
                due(id, dispatch);
            }
        }
    }

    /** Written again since it was found, the entry is whole. */
    private void moveAway(Unreadable.Entry entry, Dispatch dispatch) {
        KeyValueStore<String, byte[]> store = context.getStateStore(Stores.STATE);
        int partition = context.taskId().partition();
        LOG.atError()
                .addKeyValue("key", entry.key())
                .addKeyValue("partition", partition)
                .log("an entry of the conductor's state goes to the dead letters: {}", entry.why());
        task.bury(entry.origin(partition), entry.why(), dispatch.now());
        if (entry.isStillIn(store)) {
            store.delete(entry.key());
        }
        task.carryOut(draft -> dispatch.salvage(entry, draft), dispatch.now());
    }

    private void issueLost(Dispatch dispatch) {
        List<TicketId> all = new ArrayList<>();
        task.tables().tickets().forEach("", (_, ticket) -> all.add(TicketId.of(ticket)));
        all.forEach(id -> task.carryOut(draft -> dispatch.lost(id, draft), dispatch.now()));
    }

    private void due(TicketId id, Dispatch dispatch) {
        Optional<Task.Problem> problem = task.carryOut(draft -> dispatch.due(id, draft), dispatch.now());
        if (problem.isPresent()) {
            String why = problem.get().why();
            task.deadlines().clear(id);
            task.fail((tried, draft) -> dispatch.failTicket(id, why, tried, draft), dispatch.now());
        }
    }

    private void forget(Instant now) {
        Instant before = now.minus(wiring.limits().endedKept());
        task.carryOut(
                draft -> {
                    List<RunState.Ended> old = new ArrayList<>();
                    task.tables().ended().forEach("", (_, run) -> {
                        if (old.size() < FORGOTTEN_PER_CLEANING && run.at().isBefore(before)) {
                            old.add(run);
                        }
                    });
                    Coordinator coordinator = new Coordinator(wiring.limits(), wiring.worked(), draft);
                    old.forEach(coordinator::forget);
                },
                now);
    }

    private Instant now() {
        return Instant.ofEpochMilli(context.currentSystemTimeMs());
    }
}
