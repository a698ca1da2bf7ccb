package io.millrace.conductor.run;

import io.millrace.conductor.Given;
import io.millrace.conductor.timers.Deadlines;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Event;
import io.millrace.events.Job;
import io.millrace.events.JobEvent;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Policy;
import io.millrace.events.RunChanged;
import io.millrace.events.RunId;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** The pure conductor with its memory in maps and its time in a field. */
final class World {
    private final Limits limits;
    private final Tables tables = new Tables(
            new InMemory<>(),
            new InMemory<>(),
            new InMemory<>(),
            new InMemory<>(),
            new InMemory<>(),
            new InMemory<>(),
            new InMemory<>(),
            new InMemory<>(),
            new InMemory<>());
    private final List<Output> outputs = new ArrayList<>();
    private Deadlines<TicketId> deadlines = new Deadlines<>();
    private WorkedQueues worked = new WorkedQueues();
    private Instant now = Given.START;

    World() {
        this(Limits.DEFAULT);
    }

    World(Limits limits) {
        this.limits = limits;
    }

    Instant now() {
        return now;
    }

    void publish(CheckpointPublished checkpoint) {
        publish(checkpoint, now);
    }

    void publish(CheckpointPublished checkpoint, Instant recordAt) {
        decide(draft -> new Planner(coordinator(draft), draft).published(checkpoint, recordAt, now));
    }

    void apply(Policy policy) {
        apply(policy, now);
    }

    void apply(Policy policy, Instant recordAt) {
        decide(draft ->
                new Planner(coordinator(draft), draft).changed(policy.name(), Optional.of(policy), recordAt, now));
    }

    void delete(Policy policy) {
        delete(policy, now);
    }

    void delete(Policy policy, Instant recordAt) {
        decide(draft -> new Planner(coordinator(draft), draft).changed(policy.name(), Optional.empty(), recordAt, now));
    }

    void hear(JobEvent event) {
        decide(draft -> coordinator(draft).heard(event, now));
    }

    void ask(OperatorRequest.Kind kind, RunId run) {
        ask(kind, run, "because");
    }

    void ask(OperatorRequest.Kind kind, RunId run, String why) {
        ask(new OperatorRequest(Given.MODEL, run, kind, "ana", why, now));
    }

    /** Its record has the time that it was asked at. */
    void ask(OperatorRequest request) {
        askAt(request.at(), request);
    }

    void askAt(Instant recordAt, OperatorRequest request) {
        decide(draft -> coordinator(draft).requested(request, recordAt, now));
    }

    /** As the conductor does with runs that ended long ago. */
    void forgetEndedRuns() {
        decide(draft -> endedRuns().forEach(run -> coordinator(draft).forget(run)));
    }

    void pass(Duration time) {
        wait(time).forEach(this::wake);
    }

    /** Time passes, and nobody has looked at what is due now. */
    List<TicketId> wait(Duration time) {
        now = now.plus(time);
        return deadlines.due(now, Integer.MAX_VALUE);
    }

    void wake(TicketId id) {
        if (deadlines.isDue(id, now)) {
            decide(draft -> coordinator(draft).due(id, now));
        }
    }

    void lose(LostQueues losses) {
        tickets().forEach(ticket -> decide(draft -> coordinator(draft).lost(TicketId.of(ticket), losses, now)));
    }

    /** The task stops and starts again after a while; only tables survive. */
    void restartAfter(Duration time) {
        now = now.plus(time);
        deadlines = new Deadlines<>();
        worked = new WorkedQueues();
        decide(draft ->
                tables.tickets().forEach("", (_, ticket) -> coordinator(draft).restarted(ticket, now)));
    }

    /** Everything that left the conductor so far. */
    List<Output> outputs() {
        return List.copyOf(outputs);
    }

    List<Output> outputsAfter(int seen) {
        return List.copyOf(outputs.subList(seen, outputs.size()));
    }

    <E extends Event> List<E> published(Class<E> kind) {
        return outputs.stream()
                .filter(output -> output instanceof Output.Publish)
                .map(output -> ((Output.Publish) output).event())
                .filter(kind::isInstance)
                .map(kind::cast)
                .toList();
    }

    List<Job> jobs() {
        return published(Job.class);
    }

    Job lastJob() {
        return jobs().getLast();
    }

    RunChanged run(RunId id) {
        return published(RunChanged.class).stream()
                .filter(run -> run.run().equals(id))
                .toList()
                .getLast();
    }

    List<RunState.Open> openRuns() {
        List<RunState.Open> open = new ArrayList<>();
        tables.open().forEach("", (_, run) -> open.add(run));
        return open;
    }

    List<RunState.Ended> endedRuns() {
        List<RunState.Ended> ended = new ArrayList<>();
        tables.ended().forEach("", (_, run) -> ended.add(run));
        return ended;
    }

    List<Ticket> tickets() {
        List<Ticket> tickets = new ArrayList<>();
        tables.tickets().forEach("", (_, ticket) -> tickets.add(ticket));
        return tickets;
    }

    int deadlines() {
        return deadlines.size();
    }

    private Coordinator coordinator(Draft draft) {
        return new Coordinator(limits, worked, draft);
    }

    private void decide(Consumer<Draft> decision) {
        Draft draft = new Draft(tables);
        decision.accept(draft);
        draft.commit();
        outputs.addAll(draft.outputs());
        draft.deadlines()
                .forEach((id, at) -> at.ifPresentOrElse(time -> deadlines.set(id, time), () -> deadlines.clear(id)));
    }

    private static final class InMemory<V> implements Table<V> {
        private final SortedMap<String, V> entries = new TreeMap<>();

        @Override
        public Optional<V> get(String key) {
            return Optional.ofNullable(entries.get(key));
        }

        @Override
        public void put(String key, V value) {
            entries.put(key, value);
        }

        @Override
        public void delete(String key) {
            entries.remove(key);
        }

        @Override
        public void forEach(String prefix, BiConsumer<String, V> visitor) {
            entries.forEach((key, value) -> {
                if (key.startsWith(prefix)) {
                    visitor.accept(key, value);
                }
            });
        }
    }
}
