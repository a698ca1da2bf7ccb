package io.millrace.benchmarks;

import io.millrace.events.ArtifactRef;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Stores;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.LongAdder;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** How much of their time many slots work, when every job takes a while and there is always another. */
@Command(
        name = "slots",
        mixinStandardHelpOptions = true,
        description = "How much of their time 64 slots work on jobs of two seconds.")
final class SlotsBenchmark implements Callable<Integer> {
    private static final double LIMIT = 0.95;
    private static final String STORE = "memory:slots";
    /** Of three jobs of a run one is the quantizer's. */
    private static final int QUANTIZER_SLOTS = 22;

    private static final int BENCHMARKER_SLOTS = 42;
    private static final int SLOTS = QUANTIZER_SLOTS + BENCHMARKER_SLOTS;
    private static final int MODELS = 12;
    private static final int IN_FLIGHT = 3 * SLOTS;
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    @Option(names = "--job-seconds", defaultValue = "2", description = "length of a job (${DEFAULT-VALUE})")
    private double jobSeconds;

    @Option(names = "--runs", defaultValue = "600", description = "measured runs of three jobs (${DEFAULT-VALUE})")
    private int runs;

    @Option(names = "--warm-up", defaultValue = "400", description = "runs before them (${DEFAULT-VALUE})")
    private int warmUp;

    private final LongAdder jobs = new LongAdder();

    @Override
    public Integer call() throws Exception {
        try (Scratch scratch = Scratch.create();
                ArtifactStore store = Stores.open(STORE);
                Pipeline pipeline = Pipeline.start(scratch.folder(), STORE)) {
            pipeline.startConductor();
            pipeline.startIdleWorkers(QUANTIZER_SLOTS, BENCHMARKER_SLOTS, this::work);
            Checkpoints checkpoints = Checkpoints.in(store);
            pipeline.sendAndAwait(checkpoints.policy(1));
            List<ArtifactRef> weights = new ArrayList<>();
            // Behind the measured ones come as many as are under way at a time, so that the slots never run dry.
            for (int number = 0; number < warmUp + runs + IN_FLIGHT; number++) {
                weights.add(checkpoints.weights(number));
            }
            Window window = new Window(warmUp, warmUp + runs, jobs);
            try (ClosedLoop loop = new ClosedLoop(pipeline, MODELS, 1, IN_FLIGHT, PATIENCE)) {
                loop.run(weights, _ -> window.published());
            }
            System.out.printf(
                    "%d slots, jobs of %.1f s, %d jobs in %.0f s%n",
                    SLOTS, jobSeconds, window.jobs(), window.seconds());
            double ideal = SLOTS / jobSeconds;
            Figure.beside("jobs", window.jobs() / window.seconds(), "job/s");
            return Figure.atLeast("share of ideal", window.jobs() / window.seconds() / ideal, LIMIT, "") ? 0 : 1;
        }
    }

    private void work() {
        try {
            Thread.sleep(Duration.ofNanos((long) (jobSeconds * 1e9)));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        jobs.increment();
    }

    /** What was done between two published models. */
    private static final class Window {
        private final int first;
        private final int last;
        private final LongAdder done;
        private int published;
        private long beganNanos;
        private long beganJobs;
        private long nanos;
        private long counted;

        Window(int first, int last, LongAdder done) {
            this.first = first;
            this.last = last;
            this.done = done;
        }

        void published() {
            published++;
            if (published == first) {
                beganNanos = System.nanoTime();
                beganJobs = done.sum();
            } else if (published == last) {
                nanos = System.nanoTime() - beganNanos;
                counted = done.sum() - beganJobs;
            }
        }

        long jobs() {
            return counted;
        }

        double seconds() {
            return nanos / 1e9;
        }
    }
}
