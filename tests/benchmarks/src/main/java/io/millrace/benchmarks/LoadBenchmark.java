package io.millrace.benchmarks;

import io.millrace.events.ArtifactRef;
import io.millrace.events.wire.Topics;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Stores;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.LongAdder;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Many checkpoints for three targets each through one conductor: what it takes in, how its state grows, how long a start
 * takes with that state and without it, and whether its memory stays as it is.
 */
@Command(
        name = "load",
        mixinStandardHelpOptions = true,
        description = "Many checkpoints for three targets each, with stages that do nothing.")
final class LoadBenchmark implements Callable<Integer> {
    private static final int TARGETS = 3;
    private static final int MODELS = 50;
    private static final int PARTS = 4;
    private static final int QUANTIZER_SLOTS = 6;
    private static final int BENCHMARKER_SLOTS = 10;
    private static final double GROWTH_LIMIT = 1.25;
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    @Option(names = "--checkpoints", defaultValue = "10000", description = "checkpoints sent (${DEFAULT-VALUE})")
    private int checkpoints;

    @Option(
            names = "--in-flight",
            defaultValue = "64",
            description = "checkpoints sent and not yet published (${DEFAULT-VALUE})")
    private int inFlight;

    @Override
    public Integer call() throws Exception {
        try (Scratch scratch = Scratch.create()) {
            String address = scratch.resolve("store").toString();
            Path state = scratch.resolve("conductor");
            try (ArtifactStore store = Stores.open(address);
                    Pipeline pipeline = Pipeline.start(scratch.folder(), address)) {
                double growth;
                try (ConductorProcess conductor =
                        ConductorProcess.start(pipeline.kafka(), state, scratch.resolve("logs"))) {
                    growth = load(pipeline, store, conductor);
                }
                Figure.beside("state on disk", bytes(state) / 1048576.0, "MiB");
                startAgain(pipeline, state, scratch.resolve("logs"), "start again with that state");
                Path fresh = scratch.resolve("conductor-fresh");
                startAgain(pipeline, fresh, scratch.resolve("logs"), "start again, state read from Kafka");
                return Figure.atMost("memory at the end / after the first quarter", growth, GROWTH_LIMIT, "") ? 0 : 1;
            }
        }
    }

    /** @return the conductor's memory at the end as a multiple of that after the first part */
    private double load(Pipeline pipeline, ArtifactStore store, ConductorProcess conductor) throws Exception {
        pipeline.startIdleWorkers(QUANTIZER_SLOTS, BENCHMARKER_SLOTS, () -> {});
        Checkpoints made = Checkpoints.in(store);
        pipeline.sendAndAwait(made.policy(TARGETS));
        int each = checkpoints / PARTS;
        double[] mebibytes = new double[PARTS];
        long before = events(pipeline);
        long began = System.nanoTime();
        try (ClosedLoop loop = new ClosedLoop(pipeline, MODELS, TARGETS, inFlight, PATIENCE)) {
            for (int part = 0; part < PARTS; part++) {
                List<ArtifactRef> weights = new ArrayList<>();
                for (int number = 0; number < each; number++) {
                    weights.add(made.weights(part * each + number));
                }
                loop.run(weights);
                mebibytes[part] = conductor.mebibytes();
                Figure.beside("conductor's memory after " + (part + 1) * each + " checkpoints", mebibytes[part], "MiB");
            }
        }
        double seconds = (System.nanoTime() - began) / 1e9;
        System.out.printf(
                "%d checkpoints for %d targets: %d runs in %.0f s%n",
                each * PARTS, TARGETS, each * PARTS * TARGETS, seconds);
        Figure.beside("events read by one conductor", (events(pipeline) - before) / seconds, "event/s");
        Figure.beside("runs", each * PARTS * TARGETS / seconds, "run/s");
        return mebibytes[PARTS - 1] / mebibytes[0];
    }

    /** Records that the conductor reads. No transaction writes them, so offsets count them. */
    private static long events(Pipeline pipeline) {
        long count = 0;
        for (String topic : List.of(Topics.DEFAULT.checkpoints(), Topics.DEFAULT.jobEvents())) {
            try (KafkaConsumer<byte[], byte[]> reader = TopicReader.open(pipeline.kafka(), topic)) {
                count += reader.endOffsets(reader.assignment()).values().stream()
                        .mapToLong(Long::longValue)
                        .sum();
            }
        }
        return count;
    }

    private static void startAgain(Pipeline pipeline, Path state, Path logs, String name) throws Exception {
        try (ConductorProcess conductor = ConductorProcess.start(pipeline.kafka(), state, logs)) {
            Figure.beside(name, conductor.startSeconds(), "s");
        }
    }

    private static long bytes(Path folder) throws IOException {
        LongAdder sum = new LongAdder();
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                sum.add(attributes.size());
                return FileVisitResult.CONTINUE;
            }
        });
        return sum.sum();
    }
}
