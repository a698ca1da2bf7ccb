package io.millrace.conductor.topology;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Whether what a record leads to is to be seen at once. Each commit costs the broker and the processor as much as some
 * runs do, so many records share the next one; a record that comes after a pause would wait for nobody.
 *
 * <p>The pause is one between records, by their own times: the conductor reads none while it commits, which is no pause.
 */
final class EarlyCommit {
    static final Duration PAUSE = Duration.ofMillis(20);

    private final AtomicLong newest = new AtomicLong(Long.MIN_VALUE / 2);

    /**
     * True if a record comes after a pause in all that this conductor reads.
     *
     * @param timestamp the record's
     */
    boolean isDue(long timestamp) {
        return timestamp - newest.getAndAccumulate(timestamp, Math::max) >= PAUSE.toMillis();
    }
}
