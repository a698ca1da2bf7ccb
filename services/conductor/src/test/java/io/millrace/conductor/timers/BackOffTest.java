package io.millrace.conductor.timers;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class BackOffTest {
    private final BackOff backOff = new BackOff(Duration.ofSeconds(1), Duration.ofMinutes(5));

    @Test
    void pausesDoubleUntilTheLongest() {
        assertThat(pause(0)).isEqualTo(Duration.ofSeconds(1));
        assertThat(pause(1)).isEqualTo(Duration.ofSeconds(2));
        assertThat(pause(8)).isEqualTo(Duration.ofSeconds(256));
        assertThat(pause(9)).isEqualTo(Duration.ofMinutes(5));
        assertThat(pause(Integer.MAX_VALUE)).isEqualTo(Duration.ofMinutes(5));
    }

    @Test
    void aWorkerMayAskForALongerPauseButNotForAShorterOne() {
        assertThat(backOff.pause(0, Duration.ofMinutes(20))).isEqualTo(Duration.ofMinutes(20));
        assertThat(backOff.pause(3, Duration.ofSeconds(1))).isEqualTo(Duration.ofSeconds(8));
        assertThat(backOff.pause(0, Duration.ofSeconds(-5))).isEqualTo(Duration.ofSeconds(1));
    }

    @Test
    void aPauseOfYearsIsNotBelieved() {
        assertThat(backOff.pause(0, Duration.ofDays(10_000))).isEqualTo(Duration.ofHours(1));
    }

    private Duration pause(int before) {
        return backOff.pause(before, Duration.ZERO);
    }
}
