package io.millrace.worker.lease;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * How long a queue that could not be read stays closed: a second at first, twice as long each time that it happens again
 * within a minute, 15 s at most. Who may not read a queue asks, and says so, no oftener than that.
 */
final class Rest {
    private static final long FIRST = Duration.ofSeconds(1).toNanos();
    private static final long LONGEST = Duration.ofSeconds(15).toNanos();
    private static final long STEADY = Duration.ofMinutes(1).toNanos();

    private final LongSupplier nanoTime;
    private long length;
    private long end;

    Rest(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        this.end = nanoTime.getAsLong() - STEADY;
    }

    void begin() {
        long now = nanoTime.getAsLong();
        length = now - end < STEADY ? Math.clamp(2 * length, FIRST, LONGEST) : FIRST;
        end = now + length;
    }

    /** What is left of it; zero if there is none. */
    Duration left() {
        return Duration.ofNanos(Math.max(0, end - nanoTime.getAsLong()));
    }
}
