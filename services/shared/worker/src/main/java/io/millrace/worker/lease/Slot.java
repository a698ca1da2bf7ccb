package io.millrace.worker.lease;

import io.millrace.events.Failure;
import io.millrace.events.Job;
import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.Reason;
import io.millrace.events.wire.EventCodec;
import io.millrace.worker.WorkerSettings;
import io.millrace.worker.commit.Interruption;
import io.millrace.worker.commit.JobProtocol;
import io.millrace.worker.commit.RunningJob;
import io.millrace.worker.observe.JobContext;
import io.millrace.worker.observe.Traces;
import io.millrace.worker.observe.WorkerMetrics;
import io.millrace.worker.report.EventPublisher;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.KafkaException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes one job at a time from its queues. The slot's thread polls and renews; the job has a platform thread of its own,
 * since native code works in it. A record is accepted only when the event that says how its job ended is published.
 *
 * <p>With several queues, the others are closed while a job of one runs: a consumer that is not polled may hold a record
 * that it fetched ahead, which then nobody could work on until its lock ends.
 */
public final class Slot implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(Slot.class);
    private static final Duration TICK = Duration.ofMillis(200);
    private static final Duration PAUSE = Duration.ofSeconds(1);
    private static final Duration OTHER_VERSION_PAUSE = Duration.ofMinutes(1);

    private final List<LeaseQueue> queues;
    private final EventCodec codec;
    private final JobProtocol protocol;
    private final EventPublisher publisher;
    private final WorkerMetrics metrics;
    private final Traces traces;
    private final WorkerSettings.Limits limits;
    private final InstantSource clock;
    private final LongSupplier nanoTime;
    private final CountDownLatch stopping = new CountDownLatch(1);
    private volatile @Nullable RunningJob running;
    private volatile boolean hung;

    Slot(
            List<LeaseQueue> queues,
            EventCodec codec,
            JobProtocol protocol,
            EventPublisher publisher,
            WorkerMetrics metrics,
            Traces traces,
            WorkerSettings.Limits limits,
            InstantSource clock,
            LongSupplier nanoTime) {
        this.queues = List.copyOf(queues);
        this.codec = codec;
        this.protocol = protocol;
        this.publisher = publisher;
        this.metrics = metrics;
        this.traces = traces;
        this.limits = limits;
        this.clock = clock;
        this.nanoTime = nanoTime;
    }

    /** Takes no more jobs and interrupts the one that runs. */
    public void stop() {
        stopping.countDown();
        RunningJob job = running;
        if (job != null) {
            job.interrupt(Interruption.SHUTDOWN);
        }
    }

    /** True if a job did not answer its interrupt: its thread runs on, and only the end of the process ends it. */
    public boolean hung() {
        return hung;
    }

    @Override
    public void run() {
        try {
            while (stopping.getCount() > 0 && !hung) {
                for (LeaseQueue queue : queues) {
                    if (stopping.getCount() > 0 && !hung) {
                        turn(queue);
                    }
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            queues.forEach(LeaseQueue::close);
        }
    }

    private void turn(LeaseQueue queue) throws InterruptedException {
        try {
            Optional<ConsumerRecord<String, byte[]>> record = queue.poll();
            if (record.isPresent()) {
                queues.stream().filter(other -> other != queue).forEach(LeaseQueue::close);
                serve(queue, record.get());
            }
        } catch (KafkaException e) {
            LOG.atWarn().addKeyValue("queue", queue.name()).log("opening the queue again: {}", queue.told(e));
            reopen(queue);
        } catch (RuntimeException e) {
            LOG.atError().addKeyValue("queue", queue.name()).setCause(e).log("opening the queue again");
            reopen(queue);
        }
    }

    /** A closed queue is opened by its next poll. */
    private void reopen(LeaseQueue queue) throws InterruptedException {
        queue.close();
        var _ = stopping.await(PAUSE.toNanos(), TimeUnit.NANOSECONDS);
    }

    private void serve(LeaseQueue queue, ConsumerRecord<String, byte[]> record) throws InterruptedException {
        switch (Intake.of(record, queue.stage(), queue.device(), codec)) {
            case Intake.Work(Job job) -> work(queue, record, job);
            case Intake.OtherVersion(var job, String why) -> {
                LOG.atWarn().addKeyValue("job", job.key()).log("this job was not taken: {}", why);
                Failure failure = new Failure(Reason.VERSION_MISMATCH, why);
                boolean published =
                        publisher.publish(new JobFailed(job, clock.instant(), failure, OTHER_VERSION_PAUSE));
                metrics.ended(job.stage(), failure.reason().code());
                accept(queue, record, published);
            }
            case Intake.Unreadable(String why) -> {
                LOG.atWarn()
                        .addKeyValue("queue", queue.name())
                        .addKeyValue("partition", record.partition())
                        .addKeyValue("offset", record.offset())
                        .log("a record goes to the dead letters: {}", why);
                metrics.buried(queue.stage());
                if (!publisher.bury(record, why) || !queue.settle(record, AcknowledgeType.REJECT)) {
                    queue.close();
                }
            }
        }
    }

    private void work(LeaseQueue queue, ConsumerRecord<String, byte[]> record, Job job) throws InterruptedException {
        Duration renewal = queue.lock().dividedBy(3);
        RunningJob run = new RunningJob(job, renewal, nanoTime);
        running = run;
        if (stopping.getCount() == 0) {
            run.interrupt(Interruption.SHUTDOWN);
        }
        metrics.began(
                job.stage(), job.device(), Duration.between(Instant.ofEpochMilli(record.timestamp()), clock.instant()));
        long began = nanoTime.getAsLong();
        boolean held = true;
        Optional<JobProtocol.Ended> ended = Optional.empty();
        try {
            CompletableFuture<JobProtocol.Ended> work = start(run);
            long nextRenewal = began + renewal.toNanos();
            while (ended.isEmpty()) {
                ended = await(work, run);
                if (ended.isEmpty() && held && nanoTime.getAsLong() - nextRenewal >= 0) {
                    held = queue.renew(record);
                    nextRenewal = nanoTime.getAsLong() + renewal.toNanos();
                    if (!held) {
                        LOG.atWarn().addKeyValue("job", run.ref().key()).log("the lease is lost; the work goes on");
                        metrics.leaseLost(job.stage());
                        queue.close();
                    }
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
        if (held) {
            accept(queue, record, ended.filter(JobProtocol.Ended::published).isPresent());
        }
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
            Optional<Interruption> overdue = run.interruption().filter(why -> run.overdue(patience(why)));
            hung |= overdue.isPresent();
            return overdue.map(why -> protocol.abandon(run, why));
        }
    }

    /** Nobody waits for a cancelled job, so it may take its time to return, unless the process is to end. */
    private Duration patience(Interruption why) {
        boolean inNoHurry = why == Interruption.CANCELLED && stopping.getCount() > 0;
        return inNoHurry ? limits.stall() : limits.interrupt();
    }

    private static void accept(LeaseQueue queue, ConsumerRecord<String, byte[]> record, boolean published) {
        if (published) {
            queue.accept(record);
        } else {
            queue.close();
        }
    }
}
