package io.millrace.conductor.topology;

import io.millrace.conductor.run.Draft;
import io.millrace.conductor.run.Tried;
import io.millrace.events.Event;
import io.millrace.events.wire.Decoded;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads a record and has its task decide on it. Where the conductor itself fails, nothing comes of it but a dead letter
 * and the failure of the runs that the record speaks of. The partition goes on either way.
 */
final class Decide implements Processor<String, byte[], byte[], Outgoing> {
    private static final Logger LOG = LoggerFactory.getLogger(Decide.class);

    private final Wiring wiring;
    private @Nullable ProcessorContext<byte[], Outgoing> context;
    private @Nullable Task task;

    Decide(Wiring wiring) {
        this.wiring = wiring;
    }

    @Override
    public void init(ProcessorContext<byte[], Outgoing> newContext) {
        if (context != null) {
            throw new TaskBegunAgainException(newContext.taskId());
        }
        context = newContext;
        Unreadable unreadable = new Unreadable();
        task = new Task(wiring, newContext, Stores.tables(newContext.getStateStore(Stores.STATE), unreadable));
        task.start(now());
        wiring.queues().begun();
        new Punctuations(wiring, newContext, task, unreadable).schedule();
    }

    @Override
    public void close() {
        Task begun = task;
        if (begun != null) {
            begun.end();
        }
    }

    @Override
    public void process(Record<String, byte[]> record) {
        RecordMetadata metadata = Origin.of(context());
        Instant now = now();
        if (wiring.earlyCommit().isDue(record.timestamp())) {
            context().commit();
        }
        if (record.value() == null) {
            if (metadata.topic().equals(wiring.topics().policiesByPartition())) {
                Dispatch dispatch = new Dispatch(wiring, Instant.ofEpochMilli(record.timestamp()), now);
                carryOut(record, metadata, draft -> dispatch.deletePolicy(record.key(), draft), _ -> (_, _) -> {}, now);
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
                        draft -> dispatch.decide(metadata.topic(), record.key(), event, draft),
                        why -> (tried, draft) -> dispatch.fail(event, why, tried, draft),
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
            Function<String, BiConsumer<Tried, Draft>> failure,
            Instant now) {
        Optional<Task.Problem> problem = task().carryOut(decision, now);
        if (problem.isPresent()) {
            String why = problem.get().why();
            if (!problem.get().refused()) {
                task().fail(failure.apply(why), now);
            }
            refuse(record, metadata, why, now);
        }
    }

    private void refuse(Record<String, byte[]> record, RecordMetadata metadata, String why, Instant now) {
        LOG.atWarn()
                .addKeyValue("topic", metadata.topic())
                .addKeyValue("partition", metadata.partition())
                .addKeyValue("offset", metadata.offset())
                .log("a record goes to the dead letters: {}", why);
        task().bury(Origin.record(record, metadata), why, now);
    }

    private Instant now() {
        return Instant.ofEpochMilli(context().currentSystemTimeMs());
    }

    private ProcessorContext<byte[], Outgoing> context() {
        return Objects.requireNonNull(context);
    }

    private Task task() {
        return Objects.requireNonNull(task);
    }
}
