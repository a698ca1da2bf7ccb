package io.millrace.conductor;

import static org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.REPLACE_THREAD;
import static org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.topology.TaskBegunAgainException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.streams.errors.StreamsException;
import org.apache.kafka.streams.processor.TaskId;
import org.junit.jupiter.api.Test;

class ReplacementTest {
    private static final StreamsException DEATH = new StreamsException("a broker did not answer");

    private final AtomicLong nanos = new AtomicLong();
    private final Replacement replacement = new Replacement(Map.of(), nanos::get);

    @Test
    void theFifthDeathInFiveMinutesStopsTheConductor() {
        for (int death = 0; death < 4; death++) {
            assertThat(replacement.handle(DEATH)).isEqualTo(REPLACE_THREAD);
        }
        assertThat(replacement.handle(DEATH)).isEqualTo(SHUTDOWN_CLIENT);

        nanos.addAndGet(Duration.ofMinutes(6).toNanos());
        assertThat(replacement.handle(DEATH)).isEqualTo(REPLACE_THREAD);
    }

    @Test
    void anErrorOfTheProcessStopsItAtOnce() {
        assertThat(replacement.handle(new OutOfMemoryError("heap"))).isEqualTo(SHUTDOWN_CLIENT);
    }

    /** As Streams wraps it. */
    @Test
    void deathsThatRestoreATaskDoNotCount() {
        StreamsException begunAgain = new StreamsException(
                "failed to initialize processor decide", new TaskBegunAgainException(new TaskId(1, 11)));
        for (int death = 0; death < 20; death++) {
            assertThat(replacement.handle(begunAgain)).isEqualTo(REPLACE_THREAD);
        }
        assertThat(replacement.handle(DEATH)).isEqualTo(REPLACE_THREAD);
    }
}
