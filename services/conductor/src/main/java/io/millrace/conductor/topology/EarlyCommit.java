package io.millrace.conductor.topology;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Whether what a record leads to is to be seen at once. Each commit costs the broker and the processor as much as some
 * runs do, so many records share the next one; a record that comes after a pause would wait for nobody.
 */
final class EarlyCommit {
    static final Duration PAUSE = Duration.ofMillis(20);

    private final AtomicLong lastRead = new AtomicLong(Long.MIN_VALUE / 2);

    /** True if this record, read now, comes after a pause in all that this conductor reads. */
    boolean isDue(Instant now) {
        long millis = now.toEpochMilli();
        return millis - lastRead.getAndSet(millis) >= PAUSE.toMillis();
    }
}
