package io.millrace.worker.commit;

import io.millrace.events.JobEvent.JobProgressed;
import io.millrace.events.JobRef;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks after a running job: publishes its progress, notices that it stalled or that nobody waits for it any more. A job
 * that ends before the first look costs no thread.
 */
final class Vitals implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Vitals.class);
    private static final Duration NEWS = Duration.ofSeconds(1);

    private final RunningJob run;
    private final Reports reports;
    private final Predicate<JobRef> cancelled;
    private final Pulse pulse;
    private final InstantSource clock;
    private final LongSupplier nanoTime;
    private final Thread thread;
    private final Future<?> start;

    Vitals(
            RunningJob run,
            Reports reports,
            Predicate<JobRef> cancelled,
            Duration stallLimit,
            Duration tick,
            ScheduledExecutorService timer,
            InstantSource clock,
            LongSupplier nanoTime) {
        this.run = run;
        this.reports = reports;
        this.cancelled = cancelled;
        this.clock = clock;
        this.nanoTime = nanoTime;
        this.pulse = new Pulse(NEWS, run.signOfLife(), stallLimit, nanoTime.getAsLong());
        this.thread = Thread.ofVirtual().name("vitals").unstarted(() -> watch(tick));
        this.start = timer.schedule(thread::start, tick.toNanos(), TimeUnit.NANOSECONDS);
    }

    private void watch(Duration tick) {
        try {
            while (!Thread.currentThread().isInterrupted()) {
                lookAndGoOn();
                Thread.sleep(tick);
            }
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        }
    }

    /** A job of which nothing is heard is begun by another worker; memory that was short may be there at the next look. */
    private void lookAndGoOn() {
        try {
            look();
        } catch (RuntimeException | OutOfMemoryError e) {
            LOG.atWarn().addKeyValue("job", run.ref().key()).setCause(e).log("a job could not be looked after");
        }
    }

    private void look() {
        if (cancelled.test(run.ref())) {
            run.interrupt(Interruption.CANCELLED);
        }
        ProgressBoard.Mark mark = run.progress().mark();
        switch (pulse.beat(mark, run.inStage(), nanoTime.getAsLong())) {
            case QUIET -> {}
            case STALLED -> run.interrupt(Interruption.STALLED);
            case SAY ->
                reports.announce(
                        new JobProgressed(run.ref(), clock.instant(), mark.done(), mark.total(), mark.message()));
        }
    }

    @Override
    public void close() {
        start.cancel(false);
        thread.interrupt(); // It may be about to start: then it ends at once.
    }
}
