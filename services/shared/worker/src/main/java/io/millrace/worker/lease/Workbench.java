package io.millrace.worker.lease;

import io.millrace.events.Job;
import io.millrace.worker.WorkerSettings;
import io.millrace.worker.commit.Interruption;
import io.millrace.worker.commit.JobProtocol;
import io.millrace.worker.commit.RunningJob;
import io.millrace.worker.observe.JobContext;
import io.millrace.worker.observe.Traces;
import io.millrace.worker.observe.WorkerMetrics;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the jobs of a slot are worked on, one at a time. Each has a platform thread of its own, since native code works
 * in it; the slot's thread waits for its end, keeps its lease, and gives up a job that does not answer its interrupt.
 */
final class Workbench {
    private static final Logger LOG = LoggerFactory.getLogger(Workbench.class);
    private static final Duration TICK = Duration.ofMillis(200);

    private final JobProtocol protocol;
    private final WorkerMetrics metrics;
    private final Traces traces;
    private final WorkerSettings.Limits limits;
    private final InstantSource clock;
    private final LongSupplier nanoTime;
    private volatile @Nullable RunningJob running;
    private volatile boolean stopping;
    private volatile boolean hung;

    Workbench(
            JobProtocol protocol,
            WorkerMetrics metrics,
            Traces traces,
            WorkerSettings.Limits limits,
            InstantSource clock,
            LongSupplier nanoTime) {
        this.protocol = protocol;
        this.metrics = metrics;
        this.traces = traces;
        this.limits = limits;
        this.clock = clock;
        this.nanoTime = nanoTime;
    }

    /** Interrupts the job that runs, or that is just beginning. */
    void stop() {
        stopping = true;
        RunningJob job = running;
        if (job != null) {
            job.interrupt(Interruption.SHUTDOWN);
        }
    }

    /** True if a job did not answer its interrupt: its thread runs on, and only the end of the process ends it. */
    boolean hung() {
        return hung;
    }

    /** Does the job of a record, to its end and the record's. */
    void work(HeldRecord record, Job job) throws InterruptedException {
        RunningJob run = new RunningJob(job, record.renewal(), nanoTime);
        running = run;
        if (stopping) {
            run.interrupt(Interruption.SHUTDOWN);
        }
        Instant queued = Instant.ofEpochMilli(record.record().timestamp());
        metrics.began(job.stage(), job.device(), Duration.between(queued, clock.instant()));
        long began = nanoTime.getAsLong();
        Optional<JobProtocol.Ended> ended = Optional.empty();
        try {
            CompletableFuture<JobProtocol.Ended> work = start(run);
            while (ended.isEmpty()) {
                ended = await(work, run);
                if (ended.isEmpty()) {
                    record.keep();
                }
            }
        } catch (ExecutionException e) {
            LOG.atError()
                    .addKeyValue("job", run.ref().key())
                    .setCause(e.getCause())
                    .log("the job ended without an outcome and comes again");
        } finally {
            running = null;
            metrics.ended(
                    job.stage(), job.device(), ended.map(JobProtocol.Ended::outcome), nanoTime.getAsLong() - began);
        }
        record.end(ended.filter(JobProtocol.Ended::published).isPresent());
    }

    private CompletableFuture<JobProtocol.Ended> start(RunningJob run) {
        CompletableFuture<JobProtocol.Ended> work = new CompletableFuture<>();
        Thread.ofPlatform()
                .name("job-" + run.ref().key().digest().abbreviated())
                .daemon()
                .start(() -> {
                    try (JobContext _ = JobContext.of(run.ref())) {
                        LOG.info("took a job");
                        Instant began = clock.instant();
                        JobProtocol.Ended ended = protocol.run(run);
                        traces.ended(
                                run.ref(),
                                began,
                                clock.instant(),
                                ended.outcome().label());
                        LOG.atInfo()
                                .addKeyValue("outcome", ended.outcome().label())
                                .log("the job ended");
                        work.complete(ended);
                    } catch (Throwable thrown) {
                        work.completeExceptionally(thrown);
                    }
                });
        return work;
    }

    /** The end of the job, if it comes within a tick, or if the job no longer answers. */
    private Optional<JobProtocol.Ended> await(CompletableFuture<JobProtocol.Ended> work, RunningJob run)
            throws InterruptedException, ExecutionException {
        try {
            return Optional.of(work.get(TICK.toNanos(), TimeUnit.NANOSECONDS));
        } catch (TimeoutException stillRunning) {
            Optional<Interruption> overdue = run.interruption().filter(why -> run.overdue(patience(why), stopping));
            hung |= overdue.isPresent();
            return overdue.map(why -> protocol.abandon(run, why));
        }
    }

    /** Nobody waits for a cancelled job, so it may take its time to return, unless the process is to end. */
    private Duration patience(Interruption why) {
        boolean inNoHurry = why == Interruption.CANCELLED && !stopping;
        return inNoHurry ? limits.stall() : limits.interrupt();
    }
}
