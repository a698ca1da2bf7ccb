package io.millrace.worker.commit;

import io.millrace.events.Failure;
import io.millrace.events.JobRef;
import io.millrace.store.ArtifactStore;
import io.millrace.worker.Stages;
import io.millrace.worker.WorkerSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** From opened inputs to a committed result, for a job whose claim is held. */
public final class StageRun {
    private static final Logger LOG = LoggerFactory.getLogger(StageRun.class);

    private final Reports reports;
    private final Predicate<JobRef> cancelled;
    private final WorkerSettings settings;
    private final InstantSource clock;
    private final LongSupplier nanoTime;
    private final WorkFolders folders;
    private final Making making;
    private final Storing storing;
    private final ScheduledThreadPoolExecutor timer = timer();

    public StageRun(
            Stages stages,
            ArtifactStore store,
            Reports reports,
            Predicate<JobRef> cancelled,
            WorkerSettings settings,
            InstantSource clock,
            LongSupplier nanoTime) {
        this.reports = reports;
        this.cancelled = cancelled;
        this.settings = settings;
        this.clock = clock;
        this.nanoTime = nanoTime;
        this.folders = new WorkFolders(settings.workFolder());
        this.making = new Making(stages, store, settings.service(), nanoTime);
        this.storing = new Storing(store, nanoTime);
    }

    /** Says when jobs are to be looked after; it forgets those that ended before. */
    static ScheduledThreadPoolExecutor timer() {
        ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(
                1, Thread.ofPlatform().name("vitals-timer").daemon().factory());
        timer.setRemoveOnCancelPolicy(true);
        return timer;
    }

    /** Removes what jobs left on disk that nobody took up again for so long: now, and each day. */
    public void sweep(Duration keep) throws IOException {
        sweep(keep, Duration.ofDays(1));
    }

    void sweep(Duration keep, Duration interval) throws IOException {
        folders.sweep(clock.instant().minus(keep));
        Runnable again = () -> sweepAgain(keep);
        // Deleting may take longer than a job may be silent.
        var _ = timer.scheduleAtFixedRate(
                () -> Thread.ofPlatform().name("work-sweep").daemon().start(again),
                interval.toNanos(),
                interval.toNanos(),
                TimeUnit.NANOSECONDS);
    }

    private void sweepAgain(Duration keep) {
        try {
            folders.sweep(clock.instant().minus(keep));
        } catch (IOException | UncheckedIOException e) {
            LOG.warn("what earlier jobs left in {} stays another day: {}", settings.workFolder(), e.toString());
        }
    }

    Outcome run(RunningJob run) {
        WorkerSettings.Limits limits = settings.limits();
        try (Vitals _ = new Vitals(run, reports, cancelled, limits.stall(), limits.tick(), timer, clock, nanoTime);
                WorkFolder folder = folders.open(run.ref().key())) {
            Outcome outcome = inFolder(run, folder);
            if (outcome.workIsOver()) {
                folder.delete();
            }
            return outcome;
        } catch (IOException | RuntimeException e) {
            return failed(e);
        }
    }

    private Outcome inFolder(RunningJob run, WorkFolder folder) throws OutputLostException {
        Made made;
        boolean known;
        try (RunningJob.Section _ = run.interruptible()) {
            Optional<FinishedWork> kept = folder.kept();
            known = kept.isPresent();
            if (known) {
                LOG.info("an earlier process finished this work; it is only stored");
            }
            made = kept.isPresent() ? new Made(kept.get(), Map.of(), nanoTime.getAsLong()) : making.make(run, folder);
        } catch (Throwable thrown) {
            return run.interruption()
                    .map(why -> why.outcome(run.progress().mark().toString()))
                    .orElseGet(() -> failed(thrown));
        }
        if (run.interruption().filter(Interruption.CANCELLED::equals).isPresent()) {
            return new Outcome.Cancelled();
        }
        if (!known) {
            keep(folder, made.work());
        }
        return storing.commit(run, made);
    }

    private static void keep(WorkFolder folder, FinishedWork work) {
        try {
            folder.keep(work);
        } catch (IOException e) {
            // It is needed only if this process dies before the commit; a full disk must not lose what is finished.
            LOG.warn("the output is finished, which could not be written down: {}", e.toString());
        }
    }

    private Outcome failed(Throwable thrown) {
        Failure failure = FailureRules.ofStage(thrown, settings.workFolder());
        switch (failure.blame()) {
            case OURSELVES -> LOG.error("the stage failed", thrown);
            case CHECKPOINT, RECIPE, POLICY, SURROUNDINGS -> LOG.warn("the job failed: {}", failure.message());
        }
        return new Outcome.Failed(failure, Duration.ZERO);
    }
}
