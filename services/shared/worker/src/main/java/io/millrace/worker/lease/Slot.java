package io.millrace.worker.lease;

import io.millrace.events.Failure;
import io.millrace.events.Job;
import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.Reason;
import io.millrace.events.wire.EventCodec;
import io.millrace.worker.observe.WorkerMetrics;
import io.millrace.worker.report.EventPublisher;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.KafkaException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes one record at a time from its queues, and sees to what it asks for.
 *
 * <p>With several queues, the others are closed while a job of one runs: a consumer that is not polled may hold a record
 * that it fetched ahead, which then nobody could work on until its lock ends.
 */
final class Slot implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(Slot.class);
    private static final Duration OTHER_VERSION_PAUSE = Duration.ofMinutes(1);
    private static final PatientReading READING = new PatientReading(Duration.ofMillis(200), Duration.ofSeconds(5));

    private final List<LeaseQueue> queues;
    private final EventCodec codec;
    private final EventPublisher publisher;
    private final WorkerMetrics metrics;
    private final Workbench workbench;
    private final InstantSource clock;
    private final LongSupplier nanoTime;
    private final CountDownLatch stopping = new CountDownLatch(1);

    Slot(
            List<LeaseQueue> queues,
            EventCodec codec,
            EventPublisher publisher,
            WorkerMetrics metrics,
            Workbench workbench,
            InstantSource clock,
            LongSupplier nanoTime) {
        this.queues = List.copyOf(queues);
        this.codec = codec;
        this.publisher = publisher;
        this.metrics = metrics;
        this.workbench = workbench;
        this.clock = clock;
        this.nanoTime = nanoTime;
    }

    /** Takes no more jobs and interrupts the one that runs. */
    void stop() {
        stopping.countDown();
        workbench.stop();
    }

    /** True if a job did not answer its interrupt: its thread runs on, and only the end of the process ends it. */
    boolean hung() {
        return workbench.hung();
    }

    @Override
    public void run() {
        try {
            while (takesJobs()) {
                for (LeaseQueue queue : queues) {
                    if (takesJobs()) {
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

    private boolean takesJobs() {
        return stopping.getCount() > 0 && !hung();
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
            queue.rest();
        } catch (RuntimeException e) {
            LOG.atError().addKeyValue("queue", queue.name()).setCause(e).log("opening the queue again");
            queue.rest();
        }
    }

    private void serve(LeaseQueue queue, ConsumerRecord<String, byte[]> record) throws InterruptedException {
        HeldRecord held = new HeldRecord(queue, record, metrics, nanoTime);
        Optional<Intake> intake = READING.read(
                () -> Intake.of(record, queue.stage(), queue.device(), codec),
                held::keep,
                () -> held.lost() || stopping.getCount() == 0);
        if (intake.isEmpty()) {
            held.end(false);
            return;
        }
        switch (intake.get()) {
            case Intake.Work(Job job) -> workbench.work(held, job);
            case Intake.OtherVersion(var job, String why) -> {
                LOG.atWarn().addKeyValue("job", job.key()).log("this job was not taken: {}", why);
                Failure failure = new Failure(Reason.VERSION_MISMATCH, why);
                boolean published =
                        publisher.publish(new JobFailed(job, clock.instant(), failure, OTHER_VERSION_PAUSE));
                metrics.ended(job.stage(), failure.reason().code());
                held.end(published);
            }
            case Intake.Unreadable(String why) -> {
                LOG.atWarn()
                        .addKeyValue("queue", queue.name())
                        .addKeyValue("partition", record.partition())
                        .addKeyValue("offset", record.offset())
                        .log("a record goes to the dead letters: {}", why);
                metrics.buried(queue.stage());
                held.endUnreadable(publisher.bury(record, why));
            }
        }
    }
}
