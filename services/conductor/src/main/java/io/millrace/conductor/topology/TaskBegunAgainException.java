package io.millrace.conductor.topology;

import org.apache.kafka.streams.errors.StreamsException;
import org.apache.kafka.streams.processor.TaskId;

/**
 * Streams begins a task anew in its thread, mostly after a commit that took too long. Where it cannot abort the
 * transaction, it keeps the offsets that the task had written, empties the store, and restores it from those offsets on
 * (Kafka 4.3.1, {@code RecordCollectorImpl.closeDirty}): the task would decide with an empty state, and what it reads would
 * be lost. A thread that takes the place of this one restores all.
 */
public final class TaskBegunAgainException extends StreamsException {
    private static final long serialVersionUID = 1;

    public TaskBegunAgainException(TaskId task) {
        super("Streams begins task " + task + " anew in its thread, where its state may be incomplete");
    }
}
