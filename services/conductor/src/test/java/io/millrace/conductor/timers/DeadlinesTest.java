package io.millrace.conductor.timers;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.junit.jupiter.api.Test;

class DeadlinesTest {
    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");

    private final Deadlines<String> deadlines = new Deadlines<>();

    @Test
    void whatIsDueComesLongestOverdueFirst() {
        deadlines.set("late", NOON.plusSeconds(2));
        deadlines.set("early", NOON.plusSeconds(1));
        deadlines.set("not yet", NOON.plusSeconds(4));

        assertThat(deadlines.due(NOON.plusSeconds(3), 10)).containsExactly("early", "late");
        assertThat(deadlines.due(NOON.plusSeconds(3), 1)).containsExactly("early");
    }

    @Test
    void aDeadlineIsDueAtItsInstant() {
        deadlines.set("now", NOON);

        assertThat(deadlines.due(NOON, 1)).containsExactly("now");
        assertThat(deadlines.due(NOON.minusNanos(1), 1)).isEmpty();
    }

    @Test
    void settingAgainReplacesAndClearingForgets() {
        deadlines.set("one", NOON);
        deadlines.set("one", NOON.plusSeconds(10));
        deadlines.set("two", NOON);
        deadlines.clear("two");
        deadlines.clear("three");

        assertThat(deadlines.due(NOON, 10)).isEmpty();
        assertThat(deadlines.size()).isEqualTo(1);
    }

    @Test
    void whatWasPutOffIsNotDueAnyMore() {
        deadlines.set("put off", NOON);
        deadlines.set("due", NOON);
        deadlines.set("put off", NOON.plusSeconds(1));

        assertThat(deadlines.isDue("due", NOON)).isTrue();
        assertThat(deadlines.isDue("put off", NOON)).isFalse();
        assertThat(deadlines.isDue("unknown", NOON)).isFalse();
    }
}
