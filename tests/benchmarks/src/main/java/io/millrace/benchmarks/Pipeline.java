package io.millrace.benchmarks;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.millrace.cli.local.EmbeddedBroker;
import io.millrace.conductor.Conductor;
import io.millrace.conductor.ConductorSettings;
import io.millrace.conductor.run.Limits;
import io.millrace.events.Device;
import io.millrace.events.Event;
import io.millrace.events.Parameters;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.EventRecords;
import io.millrace.events.wire.TopicAdmin;
import io.millrace.events.wire.Topics;
import io.millrace.worker.KafkaSettings;
import io.millrace.worker.Stage;
import io.millrace.worker.Worker;
import io.millrace.worker.WorkerSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Broker, conductor and workers in this process, with the settings of local mode. */
public final class Pipeline implements AutoCloseable {
    private static final Duration START = Duration.ofSeconds(60);

    private final Deque<AutoCloseable> parts;
    private final EventRecords records = new EventRecords(Topics.DEFAULT, new EventCodec(), "millrace/benchmarks");
    private final Path folder;
    private final String store;
    private final String kafka;
    private final short replication;
    private final Producer<String, byte[]> producer;

    private Pipeline(Path folder, String store, String kafka, short replication, Deque<AutoCloseable> parts)
            throws IOException, InterruptedException {
        this.folder = folder;
        this.store = store;
        this.kafka = kafka;
        this.replication = replication;
        this.parts = parts;
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", kafka))) {
            TopicAdmin.apply(admin, Topics.DEFAULT, List.of(Device.CPU), replication);
        }
        this.producer = new KafkaProducer<>(
                Map.of(
                        ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                        kafka,
                        ProducerConfig.ACKS_CONFIG,
                        "all",
                        ProducerConfig.LINGER_MS_CONFIG,
                        0),
                new StringSerializer(),
                new ByteArraySerializer());
        parts.push(producer);
    }

    /**
     * With a broker of its own in this process.
     *
     * @param store the address that the workers open
     */
    public static Pipeline start(Path folder, String store) throws IOException, InterruptedException {
        EmbeddedBroker broker =
                EmbeddedBroker.start(folder.resolve("kafka"), message -> System.err.println("benchmarks: " + message));
        return new Pipeline(folder, store, broker.address(), (short) 1, new ArrayDeque<>(List.of(broker)));
    }

    /** On brokers that run already. */
    public static Pipeline on(String kafka, short replication, Path folder, String store)
            throws IOException, InterruptedException {
        return new Pipeline(folder, store, kafka, replication, new ArrayDeque<>());
    }

    void startConductor() throws IOException, InterruptedException {
        startConductor(new SimpleMeterRegistry(), Limits.DEFAULT);
    }

    public void startConductor(MeterRegistry registry, Limits limits) throws IOException, InterruptedException {
        Conductor conductor = Conductor.start(new ConductorSettings(
                Map.of("bootstrap.servers", kafka),
                Topics.DEFAULT,
                "millrace-conductor",
                folder.resolve("conductor"),
                replication,
                1,
                limits,
                ConductorSettings.Pace.LOCAL,
                registry,
                _ -> {}));
        parts.push(conductor);
        if (!conductor.awaitRunning(START)) {
            throw new IOException("the conductor did not start within " + START.toSeconds() + " s");
        }
    }

    /** A quantizer and a benchmarker that compute nothing; each job does {@code work} first. */
    public void startIdleWorkers(int quantizerSlots, int benchmarkerSlots, Runnable work)
            throws IOException, InterruptedException {
        var _ = startWorker("quantizer", new IdleStage<>(Parameters.Quantize.class, _ -> work.run()), quantizerSlots);
        var _ = startWorker(
                "benchmarker", new IdleStage<>(Parameters.Benchmark.class, _ -> work.run()), benchmarkerSlots);
    }

    Worker startWorker(String service, Stage<?> stage, int slots) throws IOException, InterruptedException {
        return startWorker(service, stage, slots, OptionalInt.empty());
    }

    /** @param managementPort of metrics and health; 0 picks a free one */
    public Worker startWorker(String service, Stage<?> stage, int slots, OptionalInt managementPort)
            throws IOException, InterruptedException {
        Worker worker = Worker.start(
                stage,
                new WorkerSettings(
                        service,
                        new KafkaSettings(kafka, Map.of(), Topics.DEFAULT),
                        store,
                        List.of(Device.CPU),
                        slots,
                        folder.resolve("work").resolve(service),
                        managementPort,
                        WorkerSettings.Limits.DEFAULT));
        parts.push(worker);
        return worker;
    }

    public String kafka() {
        return kafka;
    }

    /** Sends without waiting. */
    void send(Event event) {
        var _ = producer.send(records.record(event));
    }

    public void sendAndAwait(Event event) throws InterruptedException {
        try {
            producer.send(records.record(event)).get();
        } catch (ExecutionException e) {
            throw new IllegalStateException("the broker did not take " + event, e);
        }
    }

    @Override
    public void close() throws IOException {
        while (!parts.isEmpty()) {
            try {
                parts.pop().close();
            } catch (IOException | RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IOException(e);
            }
        }
    }
}
