package io.millrace.worker.commit;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Cost;
import io.millrace.events.Digest;
import io.millrace.events.Failure;
import io.millrace.events.Job;
import io.millrace.events.JobKey;
import io.millrace.events.Parameters;
import io.millrace.events.Reason;
import io.millrace.events.Role;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Commit;
import io.millrace.store.JobResult;
import io.millrace.worker.Stage;
import io.millrace.worker.StageException;
import io.millrace.worker.StageInput;
import io.millrace.worker.StageOutput;
import io.millrace.worker.Stages;
import io.millrace.worker.WorkerSettings;
import io.millrace.worker.Workspace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** From opened inputs to a committed result, for a job whose claim is held. */
public final class StageRun {
    private static final Logger LOG = LoggerFactory.getLogger(StageRun.class);
    private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);

    /** Work to be stored, the digests of those of its files that the stage knew, and since when storing is all there is to do. */
    private record Made(FinishedWork work, Map<Path, Digest> digests, long finishedNanos) {}

    private final Stages stages;
    private final ArtifactStore store;
    private final Reports reports;
    private final Predicate<JobKey> cancelled;
    private final WorkerSettings settings;
    private final InstantSource clock;
    private final LongSupplier nanoTime;

    public StageRun(
            Stages stages,
            ArtifactStore store,
            Reports reports,
            Predicate<JobKey> cancelled,
            WorkerSettings settings,
            InstantSource clock,
            LongSupplier nanoTime) {
        this.stages = stages;
        this.store = store;
        this.reports = reports;
        this.cancelled = cancelled;
        this.settings = settings;
        this.clock = clock;
        this.nanoTime = nanoTime;
    }

    /** Removes what jobs left on disk that nobody took up again since {@code before}. */
    public static void sweep(Path workFolder, Instant before) throws IOException {
        WorkFolder.sweep(workFolder, before);
    }

    Outcome run(RunningJob run) {
        WorkerSettings.Limits limits = settings.limits();
        try (Vitals _ = new Vitals(run, reports, cancelled, limits.stall(), limits.tick(), clock, nanoTime);
                WorkFolder folder =
                        WorkFolder.open(settings.workFolder(), run.ref().key())) {
            Outcome outcome = inFolder(run, folder);
            if (outcome.workIsOver()) {
                folder.delete();
            }
            return outcome;
        } catch (IOException | RuntimeException e) {
            return failed(e);
        }
    }

    private Outcome inFolder(RunningJob run, WorkFolder folder) {
        Made made;
        Map<Path, Digest> digests = new ConcurrentHashMap<>();
        try (RunningJob.Section _ = run.interruptible()) {
            Optional<FinishedWork> kept = folder.kept();
            if (kept.isPresent()) {
                LOG.info("an earlier process finished this work; it is only stored");
            }
            FinishedWork work = kept.isPresent() ? kept.get() : make(run, folder, digests);
            made = new Made(work, digests, nanoTime.getAsLong());
        } catch (Throwable thrown) {
            return run.interruption()
                    .map(why -> why.outcome(run.progress().mark().toString()))
                    .orElseGet(() -> failed(thrown));
        }
        if (run.interruption().filter(Interruption.CANCELLED::equals).isPresent()) {
            return new Outcome.Cancelled();
        }
        keep(folder, made.work());
        return commit(run, made);
    }

    /** What is kept already is written again: the same, and rarely. */
    private static void keep(WorkFolder folder, FinishedWork work) {
        try {
            folder.keep(work);
        } catch (IOException e) {
            // It is needed only if this process dies before the commit; a full disk must not lose what is finished.
            LOG.warn("the output is finished, which could not be written down: {}", e.toString());
        }
    }

    private FinishedWork make(RunningJob run, WorkFolder folder, Map<Path, Digest> digests)
            throws StageException, IOException, InterruptedException {
        Job job = run.job();
        long began = nanoTime.getAsLong();
        long bytesIn = 0;
        Map<Role, Path> inputs = new EnumMap<>(Role.class);
        for (Map.Entry<Role, ArtifactRef> input : new TreeMap<>(job.inputs()).entrySet()) {
            Role role = input.getKey();
            run.progress().show(inputs.size(), job.inputs().size(), "opening input '" + role.wireName() + "'");
            try {
                bytesIn += store.manifest(input.getValue()).sizeBytes();
                inputs.put(role, store.checkOut(input.getValue(), folder.input(role)));
            } catch (IOException e) {
                Failure failure = FailureRules.ofInput(role, input.getValue(), e);
                throw new StageException(failure.reason(), failure.message(), e);
            }
        }
        Stage<?> stage = stages.of(job.parameters())
                .orElseThrow(() -> new StageException(
                        Reason.VERSION_MISMATCH,
                        settings.service() + " has no stage for '"
                                + job.parameters().name() + "'"));
        run.progress().show(0, 0, "starting");
        run.inStage(true);
        try {
            StageOutput output = runStage(stage, job, inputs, new JobWorkspace(folder.work(), run.progress(), digests));
            return new FinishedWork(output, Duration.ofNanos(nanoTime.getAsLong() - began), bytesIn);
        } finally {
            run.inStage(false);
        }
    }

    private <P extends Parameters> StageOutput runStage(
            Stage<P> stage, Job job, Map<Role, Path> inputs, JobWorkspace workspace)
            throws StageException, IOException, InterruptedException {
        P parameters = stage.parameters().cast(job.parameters());
        StageOutput output = stage.run(new StageInput<>(inputs, parameters, job.seed(), job.device()), workspace);
        Path product = output.folder().toRealPath();
        Path whole = workspace.folder().toRealPath();
        if (!Files.isDirectory(product) || !product.startsWith(whole)) {
            throw new IOException(
                    product + ": the stage's output is not a folder below its workspace " + workspace.folder());
        }
        return new StageOutput(workspace.folder().resolve(whole.relativize(product)), output.measurements());
    }

    /** The work is done: nothing but success, a cancellation or the end of the process may end this. */
    private Outcome commit(RunningJob run, Made made) {
        Duration pause = FIRST_PAUSE;
        for (int tries = 1; run.interruption().isEmpty() || tries == 1; tries++) {
            try {
                run.progress().show(0, 0, "storing the output");
                return new Outcome.Succeeded(standing(run, made), false);
            } catch (IOException e) {
                LOG.atWarn()
                        .addKeyValue("tries", tries)
                        .log("the output is finished and waits for the store: {}", e.toString());
                run.progress().show(tries, 0, "finished, waiting for the store: " + e.getMessage());
            }
            try {
                run.pause(pause);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                break;
            }
            pause = pause.multipliedBy(2).compareTo(LONGEST_PAUSE) < 0 ? pause.multipliedBy(2) : LONGEST_PAUSE;
        }
        return run.interruption()
                .orElse(Interruption.SHUTDOWN)
                .outcome(run.progress().mark().toString());
    }

    private JobResult standing(RunningJob run, Made made) throws IOException {
        Parameters parameters = run.job().parameters();
        SortedMap<String, String> metadata = new TreeMap<>(Map.of(
                "millrace.stage",
                parameters.stage().wireName(),
                "millrace.method",
                parameters.name() + "/" + parameters.version(),
                "millrace.parameters",
                parameters.canonicalJson()));
        FinishedWork work = made.work();
        ArtifactRef artifact = store.publishFolder(work.output().folder(), metadata, made.digests());
        long bytesOut = store.manifest(artifact).sizeBytes();
        Duration storing = Duration.ofNanos(nanoTime.getAsLong() - made.finishedNanos());
        Cost cost = new Cost(work.spent().plus(storing), work.bytesIn(), bytesOut);
        JobResult mine = new JobResult(
                run.ref().key(),
                artifact,
                bytesOut,
                work.output().measurements(),
                cost,
                UUID.randomUUID().toString());
        Commit commit = store.commit(mine);
        while (commit instanceof Commit.Lost(JobResult other) && !store.isComplete(other.output())) {
            store.dropResult(other);
            commit = store.commit(mine);
        }
        return commit.standing();
    }

    private Outcome failed(Throwable thrown) {
        Failure failure = FailureRules.ofStage(thrown, settings.workFolder());
        switch (failure.blame()) {
            case OURSELVES -> LOG.error("the stage failed", thrown);
            case CHECKPOINT, RECIPE, POLICY, SURROUNDINGS -> LOG.warn("the job failed: {}", failure.message());
        }
        return new Outcome.Failed(failure, Duration.ZERO);
    }

    private record JobWorkspace(Path folder, ProgressBoard board, Map<Path, Digest> known) implements Workspace {
        @Override
        public void progress(long done, long total, String message) {
            board.show(done, total, message);
        }

        @Override
        public Optional<BiConsumer<Path, Digest>> digests() {
            return Optional.of((file, digest) -> known.put(file.toAbsolutePath(), digest));
        }
    }
}
