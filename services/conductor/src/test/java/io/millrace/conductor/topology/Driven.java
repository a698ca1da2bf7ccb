package io.millrace.conductor.topology;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.millrace.conductor.Answers;
import io.millrace.conductor.ConductorSettings;
import io.millrace.conductor.StreamsPropertiesAccess;
import io.millrace.conductor.run.Limits;
import io.millrace.conductor.run.LostQueues;
import io.millrace.conductor.run.Queue;
import io.millrace.events.Device;
import io.millrace.events.Event;
import io.millrace.events.Job;
import io.millrace.events.JobCancelled;
import io.millrace.events.JobEvent;
import io.millrace.events.ModelPublished;
import io.millrace.events.RunChanged;
import io.millrace.events.RunId;
import io.millrace.events.StageName;
import io.millrace.events.wire.Decoded;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.EventRecords;
import io.millrace.events.wire.Topics;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.test.TestRecord;
import org.jspecify.annotations.Nullable;

/** The conductor's topology under the test driver, spoken to in events. */
final class Driven implements AutoCloseable {
    static final Topics TOPICS = Topics.DEFAULT;

    private final EventCodec codec = new EventCodec();
    private final EventRecords records = new EventRecords(TOPICS, codec, "test");
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final List<String> queues = new ArrayList<>();
    private final Set<String> refused = new HashSet<>();
    private final List<RunChanged> ended = new ArrayList<>();
    private final Wiring wiring;
    private final TopologyTestDriver driver;
    private Instant now;

    Driven(Path stateFolder, Instant start) {
        this(stateFolder, start, Limits.DEFAULT);
    }

    Driven(Path stateFolder, Instant start, Limits limits) {
        now = start;
        wiring = Wiring.of(
                TOPICS,
                codec,
                this::ensureQueue,
                new ConductorMetrics(registry),
                limits,
                new LostQueues(),
                Duration.ofMillis(100),
                ended::add);
        driver = new TopologyTestDriver(ConductorTopology.build(wiring), properties(stateFolder), start);
    }

    private void ensureQueue(StageName stage, Device device) {
        String topic = TOPICS.jobs(stage, device);
        if (refused.contains(topic)) {
            throw new QueueRefusedException("topic '" + topic + "' has 3 partitions", new IOException());
        }
        queues.add(topic);
    }

    /** From now on this queue's topic has another shape than it must have, or again the right one. */
    void refuseQueue(String topic, boolean wrong) {
        if (wrong) {
            refused.add(topic);
        } else {
            refused.remove(topic);
        }
    }

    private Properties properties(Path stateFolder) {
        ConductorSettings settings = ConductorSettings.local("unused:9092", stateFolder, registry);
        return StreamsPropertiesAccess.of(settings);
    }

    Instant now() {
        return now;
    }

    /** Time passes, and deadlines with it. */
    void pass(Duration time) {
        now = now.plus(time);
        driver.advanceWallClockTime(time);
    }

    /** Queues of which someone looks whether they are still there. */
    Set<Queue> watched() {
        return wiring.lost().watched();
    }

    /** Someone deleted the topic of this job's queue, and it is there again. */
    void loseQueue(Job job) {
        wiring.lost().lost(Queue.of(job), now);
        pass(Duration.ofMillis(100));
    }

    void send(Event event) {
        ProducerRecord<String, byte[]> record = records.record(event);
        sendUnder(record.key(), event);
    }

    void sendUnder(String key, Event event) {
        send(key, event, now);
    }

    /** The broker took its record at another time. */
    void sendAt(Instant recordAt, Event event) {
        send(records.record(event).key(), event, recordAt);
    }

    private void send(String key, Event event, Instant recordAt) {
        ProducerRecord<String, byte[]> record = records.record(event);
        TestInputTopic<String, byte[]> topic =
                driver.createInputTopic(record.topic(), new StringSerializer(), new ByteArraySerializer());
        topic.pipeInput(new TestRecord<>(key, record.value(), record.headers(), recordAt));
    }

    void sendOn(String topic, String key, Event event) {
        sendRaw(topic, key, records.record(event).value());
    }

    void sendRaw(String topic, String key, byte @Nullable [] value) {
        driver.createInputTopic(topic, new StringSerializer(), new ByteArraySerializer())
                .pipeInput(new TestRecord<>(key, value, now));
    }

    void deletePolicy(String name) {
        deletePolicyAt(now, name);
    }

    /** The broker took the tombstone at another time. */
    void deletePolicyAt(Instant recordAt, String name) {
        driver.createInputTopic(TOPICS.policies(), new StringSerializer(), new ByteArraySerializer())
                .pipeInput(new TestRecord<>(name, null, recordAt));
    }

    /** Jobs that were put into any queue since the last call. */
    List<Job> jobs() {
        List<Job> jobs = new ArrayList<>();
        for (String queue : queues.stream().distinct().toList()) {
            read(queue, event -> jobs.add((Job) event));
        }
        return jobs;
    }

    Job job() {
        List<Job> jobs = jobs();
        if (jobs.size() != 1) {
            throw new AssertionError("expected one job, found " + jobs);
        }
        return jobs.getFirst();
    }

    /** Answers every job until there is none; returns the names of the steps. */
    List<String> answerAll(double perplexityIncrease) {
        return answerAll(job -> Answers.succeeded(job, now, perplexityIncrease));
    }

    List<String> answerAll(Function<Job, JobEvent> answer) {
        List<String> steps = new ArrayList<>();
        for (List<Job> jobs = jobs(); !jobs.isEmpty(); jobs = jobs()) {
            for (Job job : jobs) {
                steps.add(job.parameters().name());
                send(Answers.started(job, now));
                send(answer.apply(job));
            }
        }
        return steps;
    }

    /** The last word on each run since the last call. */
    Map<RunId, RunChanged> runs() {
        Map<RunId, RunChanged> last = new LinkedHashMap<>();
        read(TOPICS.runs(), event -> last.put(((RunChanged) event).run(), (RunChanged) event));
        return last;
    }

    List<Event> on(String topic) {
        List<Event> events = new ArrayList<>();
        read(topic, events::add);
        return events;
    }

    List<ModelPublished> latest() {
        return on(TOPICS.modelsLatest()).stream()
                .map(event -> (ModelPublished) event)
                .toList();
    }

    List<JobCancelled> cancellations() {
        return on(TOPICS.cancellations()).stream()
                .map(event -> (JobCancelled) event)
                .toList();
    }

    List<TestRecord<byte[], byte[]>> deadLetters() {
        return driver.createOutputTopic(TOPICS.deadLetters(), new ByteArrayDeserializer(), new ByteArrayDeserializer())
                .readRecordsToList();
    }

    double count(String name, String... tags) {
        return Optional.ofNullable(registry.find(name).tags(tags).counter())
                .map(counter -> counter.count())
                .orElse(0.0);
    }

    /** The time that a timer has recorded in all. */
    double seconds(String name, String... tags) {
        return Optional.ofNullable(registry.find(name).tags(tags).timer())
                .map(timer -> timer.totalTime(TimeUnit.SECONDS))
                .orElse(0.0);
    }

    /** Runs that were told to whoever traces them. */
    List<RunChanged> ended() {
        return List.copyOf(ended);
    }

    double gauge(String name, String... tags) {
        return Optional.ofNullable(registry.find(name).tags(tags).gauge())
                .map(gauge -> gauge.value())
                .orElse(0.0);
    }

    private void read(String topic, Consumer<Event> reader) {
        driver.createOutputTopic(topic, new StringDeserializer(), new ByteArrayDeserializer())
                .readRecordsToList()
                .forEach(record -> {
                    if (record.value() != null) {
                        switch (codec.decode(record.value())) {
                            case Decoded.Known(Event event) -> reader.accept(event);
                            case Decoded.UnknownKind _, Decoded.Undecodable _ ->
                                throw new AssertionError("unreadable record on " + topic);
                        }
                    }
                });
    }

    @Override
    public void close() {
        driver.close();
    }
}
