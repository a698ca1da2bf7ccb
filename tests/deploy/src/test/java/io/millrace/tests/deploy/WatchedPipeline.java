package io.millrace.tests.deploy;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.millrace.benchmarks.Checkpoints;
import io.millrace.benchmarks.Pipeline;
import io.millrace.conductor.run.Limits;
import io.millrace.events.Device;
import io.millrace.events.Gate;
import io.millrace.events.Limit;
import io.millrace.events.Metric;
import io.millrace.events.Parameters;
import io.millrace.events.Policy;
import io.millrace.events.Recipe;
import io.millrace.events.StageName;
import io.millrace.events.Step;
import io.millrace.events.Target;
import io.millrace.events.TextUse;
import io.millrace.events.wire.Topics;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Stores;
import io.millrace.worker.Worker;
import io.millrace.worker.observe.ManagementServer;
import io.millrace.worker.observe.ProcessMetrics;
import io.millrace.worker.observe.QueueLag;
import io.millrace.worker.observe.WorkerMetrics;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Everything that Prometheus scrapes, with something to see: a model that is published, one that is rejected, an attempt
 * that is made again, a queue that nobody works and records that nobody can read.
 */
final class WatchedPipeline implements AutoCloseable {
    static final String CONDUCTOR = "millrace-conductor";
    static final String STAGES = "millrace-stages";

    private static final String STORE = "memory:watched";
    private static final Device NOBODY = new Device("h100");
    private static final Limits SOON_UNATTENDED = new Limits(
            Limits.DEFAULT.queue(),
            Duration.ofMillis(1),
            Limits.DEFAULT.signOfLife(),
            Limits.DEFAULT.attempts(),
            Limits.DEFAULT.firstPause(),
            Limits.DEFAULT.longestPause(),
            Limits.DEFAULT.abandonedKept(),
            Limits.DEFAULT.endedKept());

    /** By service. */
    final Map<String, Integer> ports = new LinkedHashMap<>();

    private final Deque<AutoCloseable> parts = new ArrayDeque<>();
    private final PrometheusMeterRegistry conductor = ProcessMetrics.registry();

    WatchedPipeline(Path folder) throws Exception {
        ArtifactStore store = opened(Stores.open(STORE));
        Pipeline pipeline = opened(Pipeline.start(folder, STORE));
        pipeline.startConductor(conductor, SOON_UNATTENDED);
        opened(QueueLag.start(Map.of("bootstrap.servers", pipeline.kafka()), Topics.DEFAULT, conductor));
        serve("conductor", conductor);
        work(pipeline, "quantizer", new MeasuredStage<>(Parameters.Quantize.class, new AtomicBoolean()));
        work(pipeline, "benchmarker", new MeasuredStage<>(Parameters.Benchmark.class, new AtomicBoolean()));
        loseLeases();
        Checkpoints checkpoints = Checkpoints.in(store);
        pipeline.sendAndAwait(policy(checkpoints));
        spoil(pipeline.kafka(), Topics.DEFAULT.checkpoints());
        spoil(pipeline.kafka(), Topics.DEFAULT.jobs(StageName.QUANTIZE, Device.CPU));
        pipeline.sendAndAwait(Checkpoints.event(0, 1, checkpoints.weights(1)));
    }

    /** The job under which Prometheus scrapes a service. */
    static String job(String service) {
        return service.equals("conductor") ? CONDUCTOR : STAGES;
    }

    private static Policy policy(Checkpoints checkpoints) {
        return new Policy(
                "watched",
                "*",
                Policy.OnNewer.KEEP,
                List.of(
                        target(checkpoints, "phone", Device.CPU, 2 * MeasuredStage.PERPLEXITY_INCREASE),
                        target(checkpoints, "watch", Device.CPU, MeasuredStage.PERPLEXITY_INCREASE / 2),
                        target(checkpoints, "cloud", NOBODY, 1)),
                1,
                1);
    }

    private static Target target(Checkpoints checkpoints, String name, Device workOn, double limit) {
        return new Target(
                name,
                workOn,
                workOn,
                new TextUse(checkpoints.text(), 64, 256, 0),
                Optional.empty(),
                List.of(new Recipe(List.of(new Step(new Parameters.Gguf("Q8_0"), workOn)))),
                new Gate(List.of(new Limit(Metric.PERPLEXITY_INCREASE, Limit.Comparison.AT_MOST, limit))));
    }

    private void work(Pipeline pipeline, String service, MeasuredStage<?> stage)
            throws IOException, InterruptedException {
        Worker worker = pipeline.startWorker(service, stage, 1, OptionalInt.of(0));
        ports.put(service, worker.managementPort().orElseThrow());
    }

    /** A lease cannot be lost on purpose within seconds; what a worker shows of it can. */
    private void loseLeases() throws IOException {
        PrometheusMeterRegistry registry = ProcessMetrics.registry();
        new WorkerMetrics(registry, 1).leaseLost(StageName.PRUNE);
        serve("pruner", registry);
    }

    private void serve(String service, PrometheusMeterRegistry registry) throws IOException {
        ports.put(
                service,
                opened(ManagementServer.start(0, registry::scrape, () -> true, () -> true))
                        .port());
    }

    private static void spoil(String kafka, String topic) throws Exception {
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", kafka), new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>(topic, "idle-0", "no event")).get();
        }
    }

    private <T extends AutoCloseable> T opened(T part) {
        parts.push(part);
        return part;
    }

    @Override
    public void close() throws IOException {
        while (!parts.isEmpty()) {
            try {
                parts.pop().close();
            } catch (Exception e) {
                throw new IOException("a part did not stop", e);
            }
        }
    }
}
