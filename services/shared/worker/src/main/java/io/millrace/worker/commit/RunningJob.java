package io.millrace.worker.commit;

import io.millrace.events.Job;
import io.millrace.events.JobRef;
import io.millrace.store.Lease;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One delivery of a job, shared by the thread that does it, the slot that holds its lease and whoever wants it stopped.
 *
 * <p>An interrupt reaches the thread only inside an interruptible section (opening inputs, the stage). Outside of one a
 * commit or an event would be cut in half; there the wish is remembered and seen at the next section.
 */
public final class RunningJob {
    private final Job job;
    private final JobRef ref;
    private final ProgressBoard progress;
    private final Duration signOfLife;
    private final LongSupplier nanoTime;
    private final AtomicBoolean reported = new AtomicBoolean();
    private final CountDownLatch interrupted = new CountDownLatch(1);
    private volatile Optional<Lease> lease = Optional.empty();
    private volatile boolean inStage;
    private volatile OptionalLong tellingSinceNanos = OptionalLong.empty();
    private @Nullable Thread interruptible;
    private @Nullable Interruption interruption;
    private long interruptedNanos;

    /** @param signOfLife how long the job may be silent */
    public RunningJob(Job job, Duration signOfLife, LongSupplier nanoTime) {
        this.job = job;
        this.ref = JobRef.of(job);
        this.signOfLife = signOfLife;
        this.nanoTime = nanoTime;
        this.progress = new ProgressBoard(nanoTime);
    }

    public Job job() {
        return job;
    }

    public JobRef ref() {
        return ref;
    }

    public ProgressBoard progress() {
        return progress;
    }

    /** Asks the job to stop; the first reason stands. */
    public synchronized void interrupt(Interruption why) {
        if (interruption == null) {
            interruption = why;
            interruptedNanos = nanoTime.getAsLong();
            interrupted.countDown();
            if (interruptible != null) {
                interruptible.interrupt();
            }
        }
    }

    public synchronized Optional<Interruption> interruption() {
        return Optional.ofNullable(interruption);
    }

    /**
     * True if it was asked to stop longer than {@code patience} ago. Where no interrupt reaches it, storing its output, it
     * may take its time.
     *
     * @param anywhere it may not, since the process is to end
     */
    public synchronized boolean overdue(Duration patience, boolean anywhere) {
        return interruption != null
                && (anywhere || interruptible != null)
                && nanoTime.getAsLong() - interruptedNanos > patience.toNanos();
    }

    /** Waits for {@code pause}, or less if the job is asked to stop. */
    void pause(Duration pause) throws InterruptedException {
        interrupted.await(pause.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** The claim under which it works, once it has one. */
    Optional<Lease> lease() {
        return lease;
    }

    void hold(Lease held) {
        lease = Optional.of(held);
    }

    /** From here on an event is on its way, until the section is closed. */
    Section telling() {
        tellingSinceNanos = OptionalLong.of(nanoTime.getAsLong());
        return () -> tellingSinceNanos = OptionalLong.empty();
    }

    /** False while an event has been on its way for longer than this. */
    boolean heardWithin(Duration patience) {
        OptionalLong since = tellingSinceNanos;
        return since.isEmpty() || nanoTime.getAsLong() - since.getAsLong() <= patience.toNanos();
    }

    Duration signOfLife() {
        return signOfLife;
    }

    boolean inStage() {
        return inStage;
    }

    void inStage(boolean now) {
        inStage = now;
    }

    /** From here on the calling thread may be interrupted, until the section is closed. */
    synchronized Section interruptible() throws InterruptedException {
        if (interruption != null) {
            throw new InterruptedException();
        }
        interruptible = Thread.currentThread();
        return this::endSection;
    }

    private synchronized void endSection() {
        interruptible = null;
        // The interrupt was meant for the section; interruption() still knows of it.
        if (Thread.interrupted() && interruption == null) {
            Thread.currentThread().interrupt();
        }
    }

    /** True for the first caller: an outcome is published once, by the job or by the slot that gave it up. */
    boolean claimReport() {
        return reported.compareAndSet(false, true);
    }

    /** A stretch of work. */
    interface Section extends AutoCloseable {
        @Override
        void close();
    }
}
