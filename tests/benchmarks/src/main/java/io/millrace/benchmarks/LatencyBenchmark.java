package io.millrace.benchmarks;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Parameters;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Stores;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** From sending a checkpoint event to the first job's stage being entered, in a warm pipeline that does nothing else. */
@Command(
        name = "latency",
        mixinStandardHelpOptions = true,
        description = "From checkpoint event to first job, event by event.")
final class LatencyBenchmark implements Callable<Integer> {
    private static final double MEDIAN_LIMIT_MILLIS = 50;
    private static final double P99_LIMIT_MILLIS = 150;
    private static final String STORE = "memory:latency";

    @Option(names = "--events", defaultValue = "200", description = "measured events (${DEFAULT-VALUE})")
    private int events;

    @Option(names = "--warm-up", defaultValue = "200", description = "events before them (${DEFAULT-VALUE})")
    private int warmUp;

    @Option(
            names = "--gap-millis",
            defaultValue = "100",
            description = "pause after a run's last job, so that nothing queues (${DEFAULT-VALUE})")
    private long gapMillis;

    private final BlockingQueue<Long> stageBegan = new LinkedBlockingQueue<>();
    private final BlockingQueue<Parameters> benchmarkBegan = new LinkedBlockingQueue<>();

    @Override
    public Integer call() throws Exception {
        double[] millis = new double[events];
        try (Scratch scratch = Scratch.create();
                ArtifactStore store = Stores.open(STORE);
                Pipeline pipeline = Pipeline.start(scratch.folder(), STORE)) {
            pipeline.startConductor();
            var _ = pipeline.startWorker(
                    "quantizer", new IdleStage<>(Parameters.Quantize.class, _ -> stageBegan.add(System.nanoTime())), 1);
            var _ = pipeline.startWorker(
                    "benchmarker", new IdleStage<>(Parameters.Benchmark.class, benchmarkBegan::add), 1);
            Checkpoints checkpoints = Checkpoints.in(store);
            pipeline.sendAndAwait(checkpoints.policy(1));
            for (int event = -warmUp; event < events; event++) {
                long nanos = one(pipeline, warmUp + event, checkpoints.weights(event));
                if (event >= 0) {
                    millis[event] = nanos / 1e6;
                }
            }
        }
        System.out.printf("%d checkpoint events, one at a time, after %d to warm up%n", events, warmUp);
        boolean median = Figure.atMost("event to first job, median", Figure.median(millis), MEDIAN_LIMIT_MILLIS, "ms");
        boolean p99 = Figure.atMost(
                "event to first job, 99th percentile", Figure.quantile(millis, 0.99), P99_LIMIT_MILLIS, "ms");
        Figure.beside("event to first job, longest", Figure.quantile(millis, 1), "ms");
        return median && p99 ? 0 : 1;
    }

    private long one(Pipeline pipeline, int version, ArtifactRef weights) throws InterruptedException {
        var event = Checkpoints.event(0, version, weights);
        long sent = System.nanoTime();
        pipeline.send(event);
        long nanos = next(stageBegan) - sent;
        Parameters measured = next(benchmarkBegan);
        while (!(measured instanceof Parameters.Speed)) {
            measured = next(benchmarkBegan);
        }
        Thread.sleep(Duration.ofMillis(gapMillis));
        return nanos;
    }

    private static <T> T next(BlockingQueue<T> queue) throws InterruptedException {
        T value = queue.poll(60, TimeUnit.SECONDS);
        if (value == null) {
            throw new IllegalStateException("no job began within a minute");
        }
        return value;
    }
}
