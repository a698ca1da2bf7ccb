package io.millrace.benchmarks;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.millrace.cli.local.JavaCommand;
import io.millrace.events.ArtifactRef;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Job;
import io.millrace.events.ModelName;
import io.millrace.events.Parameters;
import io.millrace.events.Role;
import io.millrace.events.RunId;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Stores;
import io.millrace.worker.Worker;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** A worker's process is killed in the middle of a job; how long until another holds the record, and computes. */
@Command(
        name = "takeover",
        mixinStandardHelpOptions = true,
        description = "From kill -9 of a worker to another worker computing its job.")
final class TakeoverBenchmark implements Callable<Integer> {
    private static final double HOLD_LIMIT_SECONDS = 1;
    private static final double COMPUTE_LIMIT_SECONDS = 5;
    private static final Duration POLL = Duration.ofMillis(20);
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String WORKBENCH_LOG = "io.millrace.worker.lease.Workbench";
    private static final String TOOK_A_JOB = "took a job";

    @Option(names = "--kills", defaultValue = "20", description = "workers killed (${DEFAULT-VALUE})")
    private int kills;

    private final BlockingQueue<Long> taken = new LinkedBlockingQueue<>();
    private final BlockingQueue<Long> computing = new LinkedBlockingQueue<>();

    @Override
    public Integer call() throws Exception {
        listenToSlots();
        double[] holds = new double[kills];
        double[] computes = new double[kills];
        try (Scratch scratch = Scratch.create()) {
            String address = scratch.resolve("store").toString();
            try (ArtifactStore store = Stores.open(address);
                    Pipeline pipeline = Pipeline.start(scratch.folder(), address)) {
                Checkpoints checkpoints = Checkpoints.in(store);
                for (int kill = 0; kill < kills; kill++) {
                    Job job = job(kill, checkpoints.weights(kill));
                    Process victim = victim(pipeline.kafka(), address, scratch.folder());
                    try {
                        pipeline.sendAndAwait(job);
                        awaitClaim(store, job);
                        try (Worker _ = pipeline.startWorker(
                                "quantizer",
                                new IdleStage<>(Parameters.Quantize.class, _ -> computing.add(System.nanoTime())),
                                1)) {
                            // A second of life beside each other: a beat, and a poll that finds nothing.
                            Thread.sleep(Duration.ofSeconds(1));
                            long killed = System.nanoTime();
                            victim.destroyForcibly();
                            holds[kill] = (next(taken) - killed) / 1e9;
                            computes[kill] = (next(computing) - killed) / 1e9;
                            awaitResult(store, job);
                        }
                    } finally {
                        victim.destroyForcibly();
                    }
                }
            }
        }
        System.out.printf("%d workers killed in the middle of a job%n", kills);
        boolean hold = Figure.atMost("kill to another holds, median", Figure.median(holds), HOLD_LIMIT_SECONDS, "s");
        Figure.beside("kill to another holds, longest", Figure.quantile(holds, 1), "s");
        boolean compute =
                Figure.atMost("kill to another computes, median", Figure.median(computes), COMPUTE_LIMIT_SECONDS, "s");
        Figure.beside("kill to another computes, longest", Figure.quantile(computes, 1), "s");
        return hold && compute ? 0 : 1;
    }

    /** A slot logs when a record is its own; no event says that, since the claim may still be another's. */
    private void listenToSlots() {
        if (!(LoggerFactory.getILoggerFactory() instanceof LoggerContext context)) {
            throw new IllegalStateException("the log is not logback's");
        }
        AppenderBase<ILoggingEvent> appender = new AppenderBase<>() {
            @Override
            protected void append(ILoggingEvent event) {
                if (event.getMessage().equals(TOOK_A_JOB)) {
                    taken.add(System.nanoTime());
                }
            }
        };
        appender.setContext(context);
        appender.start();
        Logger slots = context.getLogger(WORKBENCH_LOG);
        slots.setLevel(Level.INFO);
        slots.setAdditive(false);
        slots.addAppender(appender);
    }

    private static Process victim(String kafka, String store, Path folder) throws Exception {
        return new JavaCommand(
                        "victim",
                        IdleWorker.class.getName(),
                        List.of(),
                        List.of(
                                "--kafka",
                                kafka,
                                "--store",
                                store,
                                "--work-folder",
                                folder.resolve("work").resolve("quantizer").toString(),
                                "--management-port",
                                "0",
                                "--with-parent",
                                Long.toString(ProcessHandle.current().pid())))
                .start(folder.resolve("logs"));
    }

    private static Job job(int number, ArtifactRef weights) {
        return new Job(
                new ModelName("idle"),
                new RunId(Digest.of("run " + number)),
                1,
                Map.of(Role.MODEL, weights),
                new Parameters.Gguf("Q8_0"),
                Device.CPU,
                0);
    }

    /** The victim holds the claim from the moment before it says that it started. */
    private static void awaitClaim(ArtifactStore store, Job job) throws Exception {
        await("claim", () -> store.claim(job.key()));
    }

    private static void awaitResult(ArtifactStore store, Job job) throws Exception {
        await("result", () -> store.result(job.key()));
    }

    private static void await(String what, Callable<? extends Optional<?>> seen) throws Exception {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (seen.call().isEmpty()) {
            if (System.nanoTime() - deadline > 0) {
                throw new IllegalStateException("no " + what + " within " + PATIENCE.toSeconds() + " s");
            }
            Thread.sleep(POLL);
        }
    }

    private static long next(BlockingQueue<Long> queue) throws InterruptedException {
        Long at = queue.poll(PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
        if (at == null) {
            throw new IllegalStateException("no other worker took the job within " + PATIENCE.toSeconds() + " s");
        }
        return at;
    }
}
