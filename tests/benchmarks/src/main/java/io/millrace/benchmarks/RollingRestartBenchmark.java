package io.millrace.benchmarks;

import io.millrace.events.ArtifactRef;
import io.millrace.events.ModelPublished;
import io.millrace.events.wire.Decoded;
import io.millrace.events.wire.EventCodec;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Stores;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Every broker of a cluster is restarted, one after the other, while checkpoints stream in. */
@Command(
        name = "rolling-restart",
        mixinStandardHelpOptions = true,
        description = "Three brokers restarted one after the other under load: nothing lost, nothing published twice.")
final class RollingRestartBenchmark implements Callable<Integer> {
    private static final short BROKERS = 3;
    private static final int MODELS = 12;
    private static final int IN_FLIGHT = 24;
    private static final int QUANTIZER_SLOTS = 2;
    private static final int BENCHMARKER_SLOTS = 4;
    private static final int AT_A_TIME = 20;
    private static final String STORE = "memory:rolling-restart";
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    @Option(names = "--rounds", defaultValue = "1", description = "times that each broker restarts (${DEFAULT-VALUE})")
    private int rounds;

    private final EventCodec codec = new EventCodec();
    private final Map<String, Integer> published = new HashMap<>();
    private int sent;
    private long lastNanos;
    private long longestGapNanos;

    @Override
    public Integer call() throws Exception {
        try (Scratch scratch = Scratch.create();
                ArtifactStore store = Stores.open(STORE);
                Cluster cluster = Cluster.start(scratch.resolve("brokers"), BROKERS);
                Pipeline pipeline = Pipeline.on(cluster.address(), BROKERS, scratch.folder(), STORE)) {
            pipeline.startConductor();
            pipeline.startIdleWorkers(QUANTIZER_SLOTS, BENCHMARKER_SLOTS, () -> {});
            Checkpoints checkpoints = Checkpoints.in(store);
            pipeline.sendAndAwait(checkpoints.policy(1));
            try (ClosedLoop loop = new ClosedLoop(pipeline, MODELS, 1, IN_FLIGHT, PATIENCE)) {
                stream(loop, checkpoints, MODELS);
                longestGapNanos = 0;
                CompletableFuture<Void> restarts = restarts(cluster);
                while (!restarts.isDone()) {
                    stream(loop, checkpoints, AT_A_TIME);
                }
                restarts.get();
                stream(loop, checkpoints, AT_A_TIME);
            }
        }
        System.out.printf("%d brokers restarted %d time(s) under load%n", BROKERS, rounds);
        Figure.beside("checkpoints sent", sent, "");
        int twice = (int) published.values().stream().filter(times -> times > 1).count();
        Figure.beside("longest time without a published model", longestGapNanos / 1e9, "s");
        boolean none = Figure.atMost("checkpoints without a model", sent - published.size(), 0, "");
        boolean once = Figure.atMost("models published twice", twice, 0, "");
        return none && once ? 0 : 1;
    }

    private CompletableFuture<Void> restarts(Cluster cluster) {
        Executor thread = task -> Thread.ofPlatform().name("restarts").start(task);
        return CompletableFuture.runAsync(
                () -> {
                    try {
                        for (int restart = 0; restart < rounds * BROKERS; restart++) {
                            cluster.restart(restart % BROKERS + 1);
                        }
                    } catch (Exception e) {
                        throw new IllegalStateException("a broker did not come back", e);
                    }
                },
                thread);
    }

    /** Sends checkpoints and waits for the models of all. */
    private void stream(ClosedLoop loop, Checkpoints checkpoints, int count) throws Exception {
        List<ArtifactRef> weights = new ArrayList<>();
        for (int number = 0; number < count; number++) {
            weights.add(checkpoints.weights(sent + number));
        }
        sent += count;
        lastNanos = System.nanoTime();
        loop.run(weights, record -> count(record.value()));
    }

    private void count(byte[] value) {
        long now = System.nanoTime();
        longestGapNanos = Math.max(longestGapNanos, now - lastNanos);
        lastNanos = now;
        if (codec.decode(value) instanceof Decoded.Known(ModelPublished model)) {
            published.merge(model.model() + " " + model.version(), 1, Integer::sum);
        }
    }
}
