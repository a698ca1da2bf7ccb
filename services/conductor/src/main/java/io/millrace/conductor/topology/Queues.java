package io.millrace.conductor.topology;

import io.millrace.events.Device;
import io.millrace.events.StageName;

/** The queues that jobs go to. A device class that no worker has yet has none until its first job. */
@FunctionalInterface
public interface Queues {
    /**
     * Returns when the queue is there.
     *
     * @throws QueueRefusedException if its topic is there with another shape, or must not be created
     */
    void ensure(StageName stage, Device device);

    /** A task has begun. What standing queues have lost is to be known before a new job in them hides it. */
    default void begun() {}
}
