package io.millrace.worker.commit;

import io.millrace.events.Event;

/** Where a job's events go. */
public interface Reports {
    /**
     * Publishes and waits until every replica has the event; tries again for as long as the worker lives.
     *
     * @return false if the worker stops and the event could not be published in time
     */
    boolean publish(Event event);

    /** Publishes without waiting; one that is lost does no harm. */
    void announce(Event event);
}
