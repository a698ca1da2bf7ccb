package io.millrace.benchmarks;

import io.millrace.conductor.ConductorSettings;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;
import org.jspecify.annotations.Nullable;

/**
 * What Kafka itself does on this machine in the shape of Millrace's circle, with none of its code: Streams writes one
 * state and one job a hop, exactly once; share consumers say 'started' and 'done' and acknowledge; after some hops the
 * record leaves. Same partitions, slots, intervals and acknowledgements.
 */
final class BareCircle implements AutoCloseable {
    private static final int PARTITIONS = 12;
    private static final int STATE_BYTES = 2048;
    private static final Duration POLL = Duration.ofMillis(50);
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final String IN = "bare.in";
    private static final String JOBS = "bare.jobs";
    private static final String DONE = "bare.done";
    private static final String OUT = "bare.out";

    private final String kafka;
    private final KafkaStreams streams;
    private final Producer<byte[], byte[]> producer;
    private final List<Thread> slots = new ArrayList<>();
    private volatile boolean over;

    BareCircle(String kafka, Path folder, int slots, int hops) throws InterruptedException, ExecutionException {
        this.kafka = kafka;
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", kafka))) {
            admin.createTopics(List.of(
                            new NewTopic(IN, PARTITIONS, (short) 1),
                            new NewTopic(JOBS, 1, (short) 1),
                            new NewTopic(DONE, PARTITIONS, (short) 1),
                            new NewTopic(OUT, PARTITIONS, (short) 1)))
                    .all()
                    .get();
            awaitLeaders(admin);
            admin.incrementalAlterConfigs(Map.of(
                            new ConfigResource(ConfigResource.Type.GROUP, JOBS),
                            List.of(
                                    set("share.auto.offset.reset", "earliest"),
                                    set("share.isolation.level", "read_committed"))))
                    .all()
                    .get();
        }
        producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", kafka, ProducerConfig.ACKS_CONFIG, "all", "linger.ms", 0),
                new ByteArraySerializer(),
                new ByteArraySerializer());
        streams = new KafkaStreams(topology(hops), streamsSettings(kafka, folder));
        streams.start();
        for (int slot = 0; slot < slots; slot++) {
            this.slots.add(Thread.ofPlatform().name("bare-slot-" + slot).start(this::work));
        }
    }

    /** A first batch that comes before the leader answers is out of order for the whole benchmark. */
    private static void awaitLeaders(Admin admin) throws InterruptedException, ExecutionException {
        Map<TopicPartition, OffsetSpec> latest = IntStream.range(0, PARTITIONS)
                .boxed()
                .collect(Collectors.toMap(partition -> new TopicPartition(IN, partition), _ -> OffsetSpec.latest()));
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            try {
                admin.listOffsets(latest).all().get();
                return;
            } catch (ExecutionException e) {
                // Made, and not known to the broker yet.
                boolean soon = e.getCause() instanceof UnknownTopicOrPartitionException;
                if (!soon || System.nanoTime() - deadline > 0) {
                    throw e;
                }
            }
        }
    }

    /** Circles per second, {@code inFlight} at a time. */
    double perSecond(int warmUp, int circles, int inFlight) {
        try (KafkaConsumer<byte[], byte[]> out = TopicReader.open(kafka, OUT)) {
            pass(out, 0, warmUp, inFlight);
            long began = System.nanoTime();
            pass(out, warmUp, circles, inFlight);
            return circles * 1e9 / (System.nanoTime() - began);
        }
    }

    private void pass(KafkaConsumer<byte[], byte[]> out, int first, int circles, int inFlight) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        int sent = 0;
        int count = 0;
        while (count < circles) {
            while (sent < circles && sent - count < inFlight) {
                byte[] key = ("circle " + (first + sent)).getBytes(StandardCharsets.US_ASCII);
                var _ = producer.send(new ProducerRecord<>(IN, key, new byte[STATE_BYTES]));
                sent++;
            }
            count += out.poll(Duration.ofMillis(10)).count();
            if (System.nanoTime() - deadline > 0) {
                throw new IllegalStateException("only " + count + " of " + circles + " circles were closed");
            }
        }
    }

    private void work() {
        try (KafkaShareConsumer<byte[], byte[]> jobs = new KafkaShareConsumer<>(
                Map.of(
                        "bootstrap.servers",
                        kafka,
                        ConsumerConfig.GROUP_ID_CONFIG,
                        JOBS,
                        ConsumerConfig.SHARE_ACKNOWLEDGEMENT_MODE_CONFIG,
                        "explicit",
                        ConsumerConfig.SHARE_ACQUIRE_MODE_CONFIG,
                        "record_limit",
                        ConsumerConfig.MAX_POLL_RECORDS_CONFIG,
                        1),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer())) {
            jobs.subscribe(List.of(JOBS));
            while (!over) {
                for (ConsumerRecord<byte[], byte[]> job : jobs.poll(POLL)) {
                    say(job.key(), new byte[0]);
                    say(job.key(), job.value());
                    jobs.acknowledge(job, AcknowledgeType.ACCEPT);
                    jobs.commitSync();
                }
            }
        } catch (InterruptedException | InterruptException ended) {
            Thread.currentThread().interrupt();
        }
    }

    private void say(byte[] key, byte[] value) throws InterruptedException {
        try {
            producer.send(new ProducerRecord<>(DONE, key, value)).get();
        } catch (ExecutionException e) {
            throw new IllegalStateException("the broker did not take a record", e);
        }
    }

    private static Topology topology(int hops) {
        return new Topology()
                .addSource("in", new ByteArrayDeserializer(), new ByteArrayDeserializer(), IN)
                .addSource("done", new ByteArrayDeserializer(), new ByteArrayDeserializer(), DONE)
                .addProcessor("hop", () -> new Hop(hops), "in", "done")
                .addStateStore(
                        Stores.keyValueStoreBuilder(
                                Stores.persistentKeyValueStore("state"), Serdes.ByteArray(), Serdes.ByteArray()),
                        "hop")
                .addSink("jobs", JOBS, new ByteArraySerializer(), new ByteArraySerializer(), "hop")
                .addSink("out", OUT, new ByteArraySerializer(), new ByteArraySerializer(), "hop");
    }

    private static Properties streamsSettings(String kafka, Path folder) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, kafka);
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "bare-circle");
        settings.put(StreamsConfig.STATE_DIR_CONFIG, folder.toString());
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        ConductorSettings.Pace pace = ConductorSettings.Pace.LOCAL;
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, pace.commit().toMillis());
        settings.put(StreamsConfig.POLL_MS_CONFIG, pace.poll().toMillis());
        settings.put(
                StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG),
                pace.commit().toMillis());
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        return settings;
    }

    private static AlterConfigOp set(String name, String value) {
        return new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET);
    }

    @Override
    public void close() {
        over = true;
        try {
            for (Thread slot : slots) {
                slot.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        streams.close(Duration.ofSeconds(20));
        producer.close();
    }

    /** One state written and one record sent for each word; the first byte of a value counts the hops. */
    private static final class Hop implements Processor<byte[], byte[], byte[], byte[]> {
        private final int hops;
        private @Nullable ProcessorContext<byte[], byte[]> context;
        private @Nullable KeyValueStore<byte[], byte[]> state;

        Hop(int hops) {
            this.hops = hops;
        }

        @Override
        public void init(ProcessorContext<byte[], byte[]> newContext) {
            context = newContext;
            state = newContext.getStateStore("state");
        }

        @Override
        public void process(Record<byte[], byte[]> record) {
            KeyValueStore<byte[], byte[]> states = Objects.requireNonNull(state);
            boolean started = record.value().length == 0;
            byte[] value = started ? Objects.requireNonNull(states.get(record.key())) : record.value();
            states.put(record.key(), value);
            if (started) {
                return;
            }
            byte[] next = value.clone();
            next[0]++;
            Objects.requireNonNull(context).forward(record.withValue(next), value[0] == hops ? "out" : "jobs");
        }
    }
}
