package io.millrace.events.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.Test;

final class SetBackClockTest {
    private final List<String> told = new ArrayList<>();
    /** How long the process stands still before each reading of the steady clock. */
    private final Deque<Duration> stops = new ArrayDeque<>();

    private Instant wall = Instant.parse("2026-05-01T12:00:00Z");
    private Duration steady = Duration.ofDays(3);
    private final SetBackClock clock = new SetBackClock(() -> wall, this::nanoTime, told::add);

    @Test
    void anHourBackIsToldOnce() {
        pass(Duration.ofSeconds(5));
        wall = wall.minus(Duration.ofHours(1));
        pass(Duration.ofSeconds(5));
        pass(Duration.ofSeconds(5));

        assertThat(told).singleElement().asString().contains("set back by 3600 s");
    }

    /** However many of them there are: each is over by itself. */
    @Test
    void aFewSecondsBackAreNot() {
        for (int step = 0; step < 20; step++) {
            wall = wall.minus(Duration.ofSeconds(29));
            pass(Duration.ofSeconds(5));
        }

        assertThat(told).isEmpty();
    }

    @Test
    void forwardIsNoMatterAndNeitherIsASleepingMachine() {
        wall = wall.plus(Duration.ofDays(2));
        pass(Duration.ofSeconds(5));
        pass(Duration.ofHours(9));

        assertThat(told).isEmpty();
    }

    @Test
    void aProcessThatStandsStillWhileItLooksSeesNoClockSetBack() {
        stops.addAll(List.of(Duration.ZERO, Duration.ofMinutes(5)));
        clock.look();
        clock.look();
        stops.addAll(List.of(Duration.ofMinutes(5), Duration.ZERO));
        clock.look();
        clock.look();

        assertThat(told).isEmpty();
    }

    private void pass(Duration time) {
        steady = steady.plus(time);
        wall = wall.plus(time);
        clock.look();
    }

    private long nanoTime() {
        Duration stop = stops.isEmpty() ? Duration.ZERO : stops.pop();
        steady = steady.plus(stop);
        wall = wall.plus(stop);
        return steady.toNanos();
    }
}
