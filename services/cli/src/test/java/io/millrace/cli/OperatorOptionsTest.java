package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.Digest;
import io.millrace.events.ModelName;
import io.millrace.events.RunChanged;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class OperatorOptionsTest {
    private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");

    /** The conductor whose clock is ahead would take it for a request that was carried out before. */
    @Test
    void aRequestIsNotOlderThanTheStateThatItsAskerSaw() {
        Instant ahead = NOW.plus(Duration.ofHours(1));

        assertThat(OperatorOptions.asked(changedAt(ahead), NOW)).isEqualTo(ahead);
        assertThat(OperatorOptions.asked(changedAt(NOW.minusSeconds(1)), NOW)).isEqualTo(NOW);
    }

    private static RunChanged changedAt(Instant at) {
        return new RunChanged(
                new RunId(Digest.of("run")),
                new ModelName("chat"),
                "v1",
                "phones",
                "phone",
                at,
                at,
                RunStatus.FAILED,
                0,
                1,
                0,
                3,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                1,
                false,
                0,
                0,
                "",
                Optional.empty(),
                List.of(),
                List.of(),
                Optional.empty());
    }
}
