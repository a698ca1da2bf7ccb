package io.millrace.worker.lease;

import io.millrace.worker.observe.WorkerMetrics;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A record that a slot took from its queue, and the lease on it. It is accepted only when the event that says how its
 * job ended is published; closing the queue gives it back.
 */
final class HeldRecord {
    private static final Logger LOG = LoggerFactory.getLogger(HeldRecord.class);

    private final LeaseQueue queue;
    private final ConsumerRecord<String, byte[]> record;
    private final WorkerMetrics metrics;
    private final LongSupplier nanoTime;
    private final Duration renewal;
    private long nextRenewalNanos;
    private boolean lost;

    HeldRecord(LeaseQueue queue, ConsumerRecord<String, byte[]> record, WorkerMetrics metrics, LongSupplier nanoTime) {
        this.queue = queue;
        this.record = record;
        this.metrics = metrics;
        this.nanoTime = nanoTime;
        this.renewal = queue.lock().dividedBy(3);
        this.nextRenewalNanos = nanoTime.getAsLong() + renewal.toNanos();
    }

    ConsumerRecord<String, byte[]> record() {
        return record;
    }

    /** Time between two renewals. */
    Duration renewal() {
        return renewal;
    }

    /** Renews the lease if it is time. A lease that is lost stays lost, and its queue is closed. */
    void keep() {
        if (lost || nanoTime.getAsLong() - nextRenewalNanos < 0) {
            return;
        }
        lost = !queue.renew(record);
        nextRenewalNanos = nanoTime.getAsLong() + renewal.toNanos();
        if (lost) {
            LOG.atWarn().addKeyValue("job", record.key()).log("the lease is lost; the work goes on");
            metrics.leaseLost(queue.stage());
            queue.close();
        }
    }

    /** The broker took the lease away: the record comes again. */
    boolean lost() {
        return lost;
    }

    /** Accepts the record if the end of its job is published, or gives it back. */
    void end(boolean published) {
        if (lost) {
            return;
        }
        if (published) {
            queue.accept(record);
        } else {
            queue.close();
        }
    }

    /** The same for one that nobody could do anything with. */
    void endUnreadable(boolean buried) {
        if (!buried || !queue.settle(record, AcknowledgeType.REJECT)) {
            queue.close();
        }
    }
}
