package io.millrace.events.wire;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Notices that the machine's clock was set back. Kafka's clients and Kafka Streams wait by that clock (Kafka 4.3.1): set
 * back by an hour, they neither poll nor commit for an hour, say nothing of it, and seem well. Only a new process, or a
 * new client, goes on.
 */
public final class SetBackClock implements AutoCloseable {
    /** A shorter stand is over sooner than a new start. */
    private static final Duration LEAST = Duration.ofSeconds(30);

    private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(5);

    private final InstantSource clock;
    private final LongSupplier nanoTime;
    private final Consumer<String> told;
    private final ScheduledExecutorService looks = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("set-back-clock").factory());
    private Reading last;

    /** By how much the clock is ahead of the steady one: the process may stand still between the two. */
    private record Reading(Duration least, Duration most) {
        static Reading of(InstantSource clock, LongSupplier nanoTime) {
            long before = nanoTime.getAsLong();
            Duration wall = Duration.between(Instant.EPOCH, clock.instant());
            long after = nanoTime.getAsLong();
            return new Reading(wall.minusNanos(after), wall.minusNanos(before));
        }

        Duration setBackSince(Reading before) {
            return before.least.minus(most);
        }
    }

    /** @param told why this process cannot go on; once for each time that the clock is set back */
    public SetBackClock(InstantSource clock, LongSupplier nanoTime, Consumer<String> told) {
        this.clock = clock;
        this.nanoTime = nanoTime;
        this.told = told;
        this.last = Reading.of(clock, nanoTime);
    }

    /** Looks each few seconds from now on. */
    public void start() {
        var _ = looks.scheduleWithFixedDelay(
                this::look, BETWEEN_LOOKS.toMillis(), BETWEEN_LOOKS.toMillis(), TimeUnit.MILLISECONDS);
    }

    void look() {
        Reading now = Reading.of(clock, nanoTime);
        Duration back = now.setBackSince(last);
        last = now;
        if (back.compareTo(LEAST) >= 0) {
            told.accept("this machine's clock was set back by " + back.toSeconds()
                    + " s, and Kafka's clients would stand still for as long; a new process goes on at once");
        }
    }

    @Override
    public void close() {
        looks.shutdownNow();
    }
}
