package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

final class OperatorOptionsTest {
    private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");

    /** The conductor whose clock is ahead would take it for a request that was carried out before. */
    @Test
    void aRequestIsNotOlderThanTheStateThatItsAskerSaw() {
        Instant ahead = NOW.plus(Duration.ofHours(1));

        assertThat(OperatorOptions.asked(ahead, NOW)).isEqualTo(ahead);
        assertThat(OperatorOptions.asked(NOW.minusSeconds(1), NOW)).isEqualTo(NOW);
    }
}
