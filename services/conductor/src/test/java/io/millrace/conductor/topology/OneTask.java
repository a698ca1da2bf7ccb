package io.millrace.conductor.topology;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.millrace.conductor.ConductorSettings;
import io.millrace.conductor.StreamsPropertiesAccess;
import io.millrace.conductor.run.Limits;
import io.millrace.conductor.run.LostQueues;
import io.millrace.events.Event;
import io.millrace.events.Job;
import io.millrace.events.Policy;
import io.millrace.events.RunChanged;
import io.millrace.events.RunId;
import io.millrace.events.wire.Decoded;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.EventRecords;
import io.millrace.events.wire.Topics;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.processor.TaskId;
import org.apache.kafka.streams.processor.api.MockProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;

/** The deciding processor with its stores on disk, which outlive it, unlike those of the test driver. */
final class OneTask implements AutoCloseable {
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private static final Topics TOPICS = Topics.DEFAULT;

    private final EventCodec codec = new EventCodec();
    private final EventRecords records = new EventRecords(TOPICS, codec, "test");
    private final MockProcessorContext<byte[], Outgoing> context;
    private final List<StateStore> stores = new ArrayList<>();
    private final Decide decide;
    private Instant now;
    private int seen;

    OneTask(Path folder, Instant start) {
        this(folder, start, new LostQueues(), (_, _) -> {});
    }

    OneTask(Path folder, Instant start, LostQueues lost, Queues queues) {
        Properties properties = StreamsPropertiesAccess.of(ConductorSettings.local("unused:9092", folder, registry));
        context = new MockProcessorContext<>(properties, new TaskId(0, 0), folder.toFile());
        now = start;
        context.setCurrentSystemTimeMs(start.toEpochMilli());
        for (StoreBuilder<?> builder : Stores.builders()) {
            StateStore store = builder.withLoggingDisabled().build();
            store.init(context.getStateStoreContext(), store);
            stores.add(store);
        }
        decide = new Decide(Wiring.of(
                TOPICS,
                codec,
                queues,
                new ConductorMetrics(registry),
                Limits.DEFAULT,
                lost,
                Duration.ofMillis(100),
                _ -> {}));
        decide.init(context);
    }

    /** As Streams does when a commit took too long: it closes the processor and begins again with the same task. */
    void revive() {
        decide.close();
        decide.init(context);
    }

    void send(Event event) {
        send(event, now);
    }

    /** @param at the time of the record, which may have waited until now */
    void send(Event event, Instant at) {
        ProducerRecord<String, byte[]> record = records.record(event);
        String topic = event instanceof Policy ? TOPICS.policiesByPartition() : record.topic();
        context.setRecordMetadata(topic, 0, 0);
        decide.process(new Record<>(record.key(), record.value(), at.toEpochMilli(), record.headers()));
    }

    void pass(Duration time) {
        now = now.plus(time);
        context.setCurrentSystemTimeMs(now.toEpochMilli());
        context.scheduledPunctuators().stream()
                .filter(punctuator -> !punctuator.cancelled())
                .forEach(punctuator -> punctuator.getPunctuator().punctuate(now.toEpochMilli()));
    }

    /** Puts bytes in place of each entry of these keys in a table. */
    void overwrite(String table, Predicate<String> keys, UnaryOperator<String> value) {
        KeyValueStore<String, byte[]> state = context.getStateStore(Stores.STATE);
        List<KeyValue<String, byte[]>> found = new ArrayList<>();
        try (KeyValueIterator<String, byte[]> all = state.all()) {
            all.forEachRemaining(entry -> {
                if (entry.key.startsWith(table + "|") && keys.test(entry.key.substring(table.length() + 1))) {
                    found.add(entry);
                }
            });
        }
        found.forEach(entry -> state.put(
                entry.key,
                value.apply(new String(entry.value, StandardCharsets.UTF_8)).getBytes(StandardCharsets.UTF_8)));
    }

    /** Keys of the jobs that are remembered. */
    List<String> tickets() {
        KeyValueStore<String, byte[]> state = context.getStateStore(Stores.STATE);
        List<String> keys = new ArrayList<>();
        try (KeyValueIterator<String, byte[]> all = state.all()) {
            all.forEachRemaining(entry -> keys.add(entry.key));
        }
        keys.removeIf(key -> !key.startsWith(Stores.TICKETS + "|"));
        return keys;
    }

    /** The last word on each run so far. */
    Map<RunId, RunChanged> runs() {
        Map<RunId, RunChanged> last = new LinkedHashMap<>();
        for (var capture : context.forwarded()) {
            byte[] value = capture.record().value().value();
            if (value != null && codec.decode(value) instanceof Decoded.Known(RunChanged run)) {
                last.put(run.run(), run);
            }
        }
        return last;
    }

    /** Whether a commit was asked for since the last call. */
    boolean commits() {
        boolean asked = context.committed();
        context.resetCommit();
        return asked;
    }

    /** Keys of the dead letters so far. */
    List<String> deadLetters() {
        return context.forwarded().stream()
                .map(capture -> capture.record().value())
                .filter(outgoing -> outgoing.topic().equals(TOPICS.deadLetters()))
                .map(outgoing -> new String(Objects.requireNonNull(outgoing.key()), StandardCharsets.UTF_8))
                .toList();
    }

    /** What the dead letters so far say of the offsets that they came from. */
    List<String> deadLetterOffsets() {
        return context.forwarded().stream()
                .map(capture -> capture.record().value())
                .filter(outgoing -> outgoing.topic().equals(TOPICS.deadLetters()))
                .map(outgoing -> outgoing.headers().lastHeader("millrace-origin-offset"))
                .map(offset -> new String(offset.value(), StandardCharsets.UTF_8))
                .toList();
    }

    Instant now() {
        return now;
    }

    /** Jobs issued since the last call. */
    List<Job> jobs() {
        List<Job> jobs = new ArrayList<>();
        var forwarded = context.forwarded();
        for (var capture : forwarded.subList(seen, forwarded.size())) {
            byte[] value = capture.record().value().value();
            if (value != null && codec.decode(value) instanceof Decoded.Known(Job job)) {
                jobs.add(job);
            }
        }
        seen = forwarded.size();
        return jobs;
    }

    /** Keys that were deleted from a topic so far. */
    List<String> tombstones(String topic) {
        return context.forwarded().stream()
                .map(capture -> capture.record().value())
                .filter(outgoing -> outgoing.topic().equals(topic) && outgoing.value() == null)
                .map(outgoing -> new String(Objects.requireNonNull(outgoing.key()), StandardCharsets.UTF_8))
                .toList();
    }

    /** NaN where there is none. */
    double gauge(String name) {
        return Optional.ofNullable(registry.find(name).gauge())
                .map(Gauge::value)
                .orElse(Double.NaN);
    }

    @Override
    public void close() {
        decide.close();
        stores.forEach(StateStore::close);
    }
}
