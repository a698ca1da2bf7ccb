package io.millrace.worker.commit;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Digest;
import io.millrace.events.Failure;
import io.millrace.events.Job;
import io.millrace.events.Parameters;
import io.millrace.events.Reason;
import io.millrace.events.Role;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Manifest;
import io.millrace.worker.Stage;
import io.millrace.worker.StageException;
import io.millrace.worker.StageInput;
import io.millrace.worker.StageOutput;
import io.millrace.worker.Stages;
import io.millrace.worker.Workspace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;

/**
 * From a job's inputs to what its stage makes of them.
 *
 * @param service what an operator calls this worker
 */
record Making(Stages stages, ArtifactStore store, String service, LongSupplier nanoTime) {
    /** What the stage is given, and how much that is. */
    private record Opened(Map<Role, Path> inputs, long sizeBytes) {}

    private record OpenedInput(Path place, long sizeBytes) {}

    Made make(RunningJob run, WorkFolder folder) throws StageException, IOException, InterruptedException {
        Job job = run.job();
        long began = nanoTime.getAsLong();
        Opened opened = open(run, folder);
        Stage<?> stage = stages.of(job.parameters())
                .orElseThrow(() -> new StageException(
                        Reason.VERSION_MISMATCH,
                        service + " has no stage for '" + job.parameters().name() + "'"));
        Map<Path, Digest> digests = new ConcurrentHashMap<>();
        try {
            StageOutput output = inStage(run, stage, opened, new JobWorkspace(folder.work(), run.progress(), digests));
            requireUnchanged(job, folder);
            long finished = nanoTime.getAsLong();
            Duration spent = Duration.ofNanos(finished - began);
            return new Made(
                    new FinishedWork(output, OutputFiles.in(output.folder()), spent, opened.sizeBytes()),
                    digests,
                    finished);
        } catch (StageException | IOException | RuntimeException | InternalError e) {
            // Of a file that was cut off below its mapping the JVM knows nothing better than an internal error.
            requireUnchanged(job, folder);
            throw e;
        }
    }

    /** The stage alone can stall: the files of a big checkpoint may take longer to read again than it may be silent. */
    private static StageOutput inStage(RunningJob run, Stage<?> stage, Opened opened, JobWorkspace workspace)
            throws StageException, IOException, InterruptedException {
        run.progress().show(0, 0, "starting");
        run.inStage(true);
        try {
            return runStage(stage, run.job(), opened.inputs(), workspace);
        } finally {
            run.inStage(false);
        }
    }

    /** What stays in its own folder may have been written to while the stage read it. */
    private void requireUnchanged(Job job, WorkFolder folder) throws StageException {
        for (Map.Entry<Role, ArtifactRef> input : new TreeMap<>(job.inputs()).entrySet()) {
            if (!input.getValue().isInStore()) {
                var _ = open(input.getKey(), input.getValue(), folder);
            }
        }
    }

    /** One input, verified, and how much it is. */
    private OpenedInput open(Role role, ArtifactRef input, WorkFolder folder) throws StageException {
        try {
            Manifest manifest = store.manifest(input);
            return new OpenedInput(store.checkOut(input, manifest, folder.input(role)), manifest.sizeBytes());
        } catch (IOException e) {
            throw notOpened(role, input, e);
        }
    }

    private static StageException notOpened(Role role, ArtifactRef input, IOException why) {
        Failure failure = FailureRules.ofInput(role, input, why);
        return new StageException(failure.reason(), failure.message(), why);
    }

    private Opened open(RunningJob run, WorkFolder folder) throws StageException {
        Map<Role, ArtifactRef> wanted = new TreeMap<>(run.job().inputs());
        Map<Role, Path> inputs = new EnumMap<>(Role.class);
        long sizeBytes = 0;
        for (Map.Entry<Role, ArtifactRef> input : wanted.entrySet()) {
            Role role = input.getKey();
            run.progress().show(inputs.size(), wanted.size(), "opening input '" + role.wireName() + "'");
            OpenedInput opened = open(role, input.getValue(), folder);
            sizeBytes += opened.sizeBytes();
            inputs.put(role, opened.place());
        }
        return new Opened(inputs, sizeBytes);
    }

    private static <P extends Parameters> StageOutput runStage(
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
