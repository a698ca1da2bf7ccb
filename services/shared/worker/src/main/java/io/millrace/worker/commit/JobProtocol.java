package io.millrace.worker.commit;

import io.millrace.events.Event;
import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.JobEvent.JobStarted;
import io.millrace.events.JobEvent.JobSucceeded;
import io.millrace.events.JobKey;
import io.millrace.events.JobRef;
import io.millrace.events.Reason;
import io.millrace.store.Acquired;
import io.millrace.store.ArtifactStore;
import io.millrace.store.ClaimKeeper;
import io.millrace.store.JobResult;
import io.millrace.store.Lease;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;

/**
 * What a worker does with a job, in this order; each step may be the last one of this process.
 *
 * <ol>
 *   <li>Nobody waits for it any more: nothing.
 *   <li>Its result stands in the store: say so.
 *   <li>Another worker's claim is alive: {@code claimed}. Three processes began it and none reported: {@code
 *       worker-lost}.
 *   <li>Claim it, raise {@code starts}, publish {@link JobStarted}, and await both: only then the first input is opened.
 *   <li>Open inputs, run the stage, store the output, commit the result ({@link StageRun}).
 *   <li>Publish how it ended and await that; then drop the claim. The caller accepts the record.
 * </ol>
 */
public final class JobProtocol {
    /**
     * A worker that Kafka has not heard for so long lets its claim stand still. It publishes for as long as it lives, and
     * may be the only one that Kafka is away for: with its beat going on, every other worker would find the job taken, and
     * its run would stand still too. A restart of the brokers takes less.
     */
    static final Duration UNHEARD = Duration.ofMinutes(1);

    /** How the job ended, and whether Kafka has the event that says so. */
    public record Ended(Outcome outcome, boolean published) {}

    private final ArtifactStore store;
    private final ClaimKeeper claims;
    private final Reports reports;
    private final Predicate<JobRef> cancelled;
    private final StageRun stageRun;
    private final String worker;
    private final InstantSource clock;
    private final AtomicLong acquisitions = new AtomicLong();

    public JobProtocol(
            ArtifactStore store,
            ClaimKeeper claims,
            Reports reports,
            Predicate<JobRef> cancelled,
            StageRun stageRun,
            String worker,
            InstantSource clock) {
        this.store = store;
        this.claims = claims;
        this.reports = reports;
        this.cancelled = cancelled;
        this.stageRun = stageRun;
        this.worker = worker;
        this.clock = clock;
    }

    /** Does the job. An outcome is always returned; only a bug in this class could throw. */
    public Ended run(RunningJob run) {
        if (cancelled.test(run.ref())) {
            return end(run, new Outcome.Cancelled());
        }
        Acquired acquired;
        try (RunningJob.Section _ = run.interruptible()) {
            acquired = acquire(run.ref().key());
        } catch (IOException e) {
            return end(run, stopped(run).orElseGet(() -> storeAway(e)));
        } catch (OutOfMemoryError e) {
            return end(run, tooLittleMemory(e));
        } catch (InterruptedException e) {
            return end(run, stopped(run).orElseGet(() -> Interruption.SHUTDOWN.outcome("waiting for a claim")));
        }
        return switch (acquired) {
            case Acquired.Answered(JobResult result) -> end(run, new Outcome.Succeeded(result, true));
            case Acquired.Busy busy ->
                end(
                        run,
                        new Outcome.Failed(
                                FailureRules.claimed(busy.claim()),
                                store.beatInterval().multipliedBy(10)));
            case Acquired.Poisoned poisoned -> poisoned(run, poisoned);
            case Acquired.Held(Lease lease) -> {
                try (lease) {
                    run.hold(lease);
                    lease.beatWhile(() -> run.heardWithin(UNHEARD));
                    yield end(run, work(run, lease.starts()));
                }
            }
        };
    }

    /**
     * The slot gave the job up: its thread does not answer an interrupt. What it may still do changes nothing. It has
     * reported, so it is none of the processes that began the job and were not heard of again.
     */
    public Ended abandon(RunningJob run, Interruption why) {
        Ended ended = end(run, why.outcome(run.progress().mark() + "; it did not answer the interrupt"));
        if (ended.published()) {
            run.lease().ifPresent(Lease::close);
        }
        return ended;
    }

    private Acquired acquire(JobKey key) throws IOException, InterruptedException {
        while (true) {
            // Slots of one worker compete too: a record may come again while its first delivery is worked on.
            Acquired acquired = claims.acquire(key, worker + "/" + acquisitions.incrementAndGet());
            if (acquired instanceof Acquired.Answered(JobResult result) && !store.isComplete(result.output())) {
                store.dropResult(result);
            } else {
                return acquired;
            }
        }
    }

    private Outcome work(RunningJob run, int starts) {
        if (!publish(run, new JobStarted(run.ref(), clock.instant(), worker, starts))) {
            return Interruption.SHUTDOWN.outcome("publishing its start");
        }
        try {
            return stageRun.run(run);
        } catch (OutOfMemoryError e) {
            return tooLittleMemory(e);
        }
    }

    /** The claim is forgotten only when its end is known to all: a retry then counts anew. */
    private Ended poisoned(RunningJob run, Acquired.Poisoned poisoned) {
        Ended ended = end(run, new Outcome.Failed(FailureRules.workerLost(poisoned.claim()), Duration.ZERO));
        if (ended.published()) {
            try {
                claims.forget(poisoned);
            } catch (IOException e) {
                return ended; // The claim stays poisoned and an operator's retry ends the same way: tried again then.
            }
        }
        return ended;
    }

    private Ended end(RunningJob run, Outcome outcome) {
        Optional<Event> event = switch (outcome) {
            case Outcome.Cancelled cancel -> Optional.empty();
            case Outcome.Failed failed ->
                Optional.of(new JobFailed(run.ref(), clock.instant(), failed.failure(), failed.retryAfter()));
            case Outcome.Succeeded(JobResult standing, boolean fromStore) ->
                Optional.of(new JobSucceeded(
                        run.ref(),
                        clock.instant(),
                        standing.output(),
                        standing.sizeBytes(),
                        standing.measurements(),
                        standing.cost(),
                        fromStore));
        };
        if (!run.claimReport()) {
            return new Ended(outcome, false);
        }
        try {
            return new Ended(outcome, event.map(told -> publish(run, told)).orElse(true));
        } catch (IllegalArgumentException e) {
            // An event that is too large would fail at each delivery, and at the last one the job would vanish.
            Outcome.Failed failed = Outcome.Failed.of(Reason.STAGE_ERROR, String.valueOf(e.getMessage()));
            return new Ended(
                    failed,
                    publish(run, new JobFailed(run.ref(), clock.instant(), failed.failure(), failed.retryAfter())));
        }
    }

    private boolean publish(RunningJob run, Event event) {
        try (RunningJob.Section _ = run.telling()) {
            return reports.publish(event);
        }
    }

    private static Optional<Outcome> stopped(RunningJob run) {
        return run.interruption().map(why -> why.outcome("waiting for a claim"));
    }

    /** Another job of this process may have taken it; without an outcome this one would come again at once, and again. */
    private static Outcome tooLittleMemory(OutOfMemoryError e) {
        return new Outcome.Failed(FailureRules.outOfMemory(e), Duration.ZERO);
    }

    private static Outcome storeAway(IOException e) {
        return new Outcome.Failed(FailureRules.ofStore(e), Duration.ofSeconds(10));
    }
}
