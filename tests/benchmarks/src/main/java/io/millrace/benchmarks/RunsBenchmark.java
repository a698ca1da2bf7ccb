package io.millrace.benchmarks;

import io.millrace.events.ArtifactRef;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Stores;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Runs of one step per second, from the first checkpoint's event to the last published model. Such a run is three jobs:
 * the step, and the two measurements without which nothing is published.
 */
@Command(
        name = "runs",
        mixinStandardHelpOptions = true,
        description = "One-step runs per second with stages that do nothing.")
final class RunsBenchmark implements Callable<Integer> {
    private static final double MEMORY_LIMIT = 500;
    private static final double FOLDER_LIMIT = 200;
    private static final int QUANTIZER_SLOTS = 6;
    private static final int BENCHMARKER_SLOTS = 10;
    private static final int JOBS_PER_RUN = 3;
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    @Option(names = "--runs", defaultValue = "2000", description = "measured runs (${DEFAULT-VALUE})")
    private int runs;

    @Option(names = "--warm-up", defaultValue = "6000", description = "runs before them (${DEFAULT-VALUE})")
    private int warmUp;

    @Option(names = "--models", defaultValue = "12", description = "models they belong to (${DEFAULT-VALUE})")
    private int models;

    @Option(
            names = "--in-flight",
            defaultValue = "128",
            description = "runs begun and not yet published at any time (${DEFAULT-VALUE})")
    private int inFlight;

    @Option(names = "--store", defaultValue = "both", description = "memory, folder or both (${DEFAULT-VALUE})")
    private String where = "";

    @Override
    public Integer call() throws Exception {
        boolean kept = true;
        double bare = bareRate();
        if (!where.equals("folder")) {
            double rate = rate("memory:runs");
            kept &= Figure.atLeast("one-step runs, store in memory", rate, MEMORY_LIMIT, "run/s");
            Figure.beside("share of what Kafka alone does", rate / bare, "");
        }
        if (!where.equals("memory")) {
            try (Scratch scratch = Scratch.create()) {
                Figure.beside("disk: 4 KiB written and synced", DiskSync.perSecond(scratch.folder()), "sync/s");
                String folder = scratch.resolve("store").toString();
                double rate = rate(folder);
                kept &= Figure.atLeast("one-step runs, store in a folder", rate, FOLDER_LIMIT, "run/s");
                Figure.beside("share of what Kafka alone does", rate / bare, "");
            }
        }
        return kept ? 0 : 1;
    }

    private double bareRate() throws Exception {
        int slots = QUANTIZER_SLOTS + BENCHMARKER_SLOTS;
        try (Scratch scratch = Scratch.create();
                Pipeline pipeline = Pipeline.start(scratch.folder(), "memory:bare");
                BareCircle circle = new BareCircle(pipeline.kafka(), scratch.resolve("bare"), slots, JOBS_PER_RUN)) {
            double rate = circle.perSecond(warmUp, runs, inFlight);
            Figure.beside("Kafka alone, circles of three jobs", rate, "circle/s");
            return rate;
        }
    }

    private double rate(String address) throws Exception {
        try (Scratch scratch = Scratch.create();
                ArtifactStore store = Stores.open(address);
                Pipeline pipeline = Pipeline.start(scratch.folder(), address)) {
            pipeline.startConductor();
            pipeline.startIdleWorkers(QUANTIZER_SLOTS, BENCHMARKER_SLOTS, () -> {});
            Checkpoints checkpoints = Checkpoints.in(store);
            pipeline.sendAndAwait(checkpoints.policy(1));
            List<ArtifactRef> weights = new ArrayList<>();
            for (int number = 0; number < warmUp + runs; number++) {
                weights.add(checkpoints.weights(number));
            }
            try (ClosedLoop loop = new ClosedLoop(pipeline, models, 1, inFlight, PATIENCE)) {
                loop.run(weights.subList(0, warmUp));
                long began = System.nanoTime();
                long cpuBegan = cpuNanos();
                loop.run(weights.subList(warmUp, warmUp + runs));
                double seconds = (System.nanoTime() - began) / 1e9;
                double cpuMillis = (cpuNanos() - cpuBegan) / 1e6;
                Figure.beside("processor time of a run, broker included", cpuMillis / runs, "ms");
                Figure.beside("cores busy with it", cpuMillis / 1e3 / seconds, "");
                return runs / seconds;
            }
        }
    }

    private static long cpuNanos() {
        return ProcessHandle.current()
                .info()
                .totalCpuDuration()
                .orElse(Duration.ZERO)
                .toNanos();
    }
}
