package io.millrace.conductor;

import io.millrace.conductor.topology.TaskBegunAgainException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What to do when a stream thread dies: replace it, since most causes pass; but stop the conductor when it happens again
 * and again, so that whoever runs it sees a process that ended and not one that spins. A death that only restores the
 * state of a task does not count: one outage of a broker may bring one to each thread.
 */
final class Replacement implements StreamsUncaughtExceptionHandler {
    private static final Logger LOG = LoggerFactory.getLogger(Replacement.class);
    private static final int MOST_DEATHS = 5;
    private static final long WINDOW_NANOS = Duration.ofMinutes(5).toNanos();

    private final Map<String, Object> kafka;
    private final LongSupplier nanoTime;
    private final Deque<Long> deaths = new ArrayDeque<>();

    Replacement(Map<String, Object> kafka, LongSupplier nanoTime) {
        this.kafka = kafka;
        this.nanoTime = nanoTime;
    }

    @Override
    public synchronized StreamThreadExceptionResponse handle(Throwable cause) {
        long now = nanoTime.getAsLong();
        if (!restores(cause)) {
            deaths.addLast(now);
        }
        while (!deaths.isEmpty() && now - deaths.getFirst() > WINDOW_NANOS) {
            deaths.removeFirst();
        }
        boolean again = deaths.size() < MOST_DEATHS && !(cause instanceof Error);
        LOG.atError()
                .setCause(cause)
                .log(
                        "a stream thread died{}; {}",
                        StreamRefusal.of(cause, kafka).map(why -> ": " + why).orElse(""),
                        again ? "it is replaced" : "the conductor stops");
        return again ? StreamThreadExceptionResponse.REPLACE_THREAD : StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    }

    private static boolean restores(Throwable death) {
        return Stream.iterate(death, Objects::nonNull, Throwable::getCause)
                .anyMatch(TaskBegunAgainException.class::isInstance);
    }
}
