package io.millrace.conductor;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.Standstill.Place;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

final class StandstillTest {
    private static final TopicPartition ONE = new TopicPartition("job-events", 1);
    private static final TopicPartition OTHER = new TopicPartition("job-events", 2);
    private static final Place ALL_READ = new Place(5, 5);
    private static final long START = Long.MAX_VALUE - 5;

    private final Standstill standstill = new Standstill();

    @Test
    void whereAllIsReadNothingStandsStillForHoweverLong() {
        assertThat(seen(0, ALL_READ)).isZero();
        assertThat(seen(1000, ALL_READ)).isZero();
    }

    @Test
    void theTimeCountsFromTheFirstLookAtTheSameOffset() {
        assertThat(seen(0, new Place(5, 6))).isZero();
        assertThat(seen(100, new Place(5, 90))).hasSeconds(100);
        assertThat(seen(110, new Place(90, 90))).isZero();
        assertThat(seen(120, new Place(90, 91))).isZero();
    }

    @Test
    void whoeverMovesIsBehindAndDoesNotStandStill() {
        for (int second = 0; second < 1000; second += 10) {
            assertThat(seen(second, new Place(second, 10_000))).isZero();
        }
    }

    /** A group whose offsets are set back begins anew. */
    @Test
    void aStepBackIsAMoveToo() {
        seen(0, new Place(5, 6));
        assertThat(seen(100, new Place(0, 6))).isZero();
        assertThat(seen(130, new Place(0, 6))).hasSeconds(30);
    }

    @Test
    void theLongestOfAllCounts() {
        standstill.longest(Map.of(ONE, new Place(1, 2), OTHER, ALL_READ), nanos(0));
        standstill.longest(Map.of(ONE, new Place(1, 2), OTHER, new Place(5, 6)), nanos(50));

        assertThat(standstill.longest(Map.of(ONE, new Place(1, 2), OTHER, new Place(5, 6)), nanos(60)))
                .hasSeconds(60);
        assertThat(standstill.longest(Map.of(ONE, new Place(2, 2), OTHER, new Place(5, 6)), nanos(70)))
                .hasSeconds(20);
        assertThat(standstill.longest(Map.of(ONE, new Place(2, 2)), nanos(80))).isZero();
    }

    @Test
    void aTimeInWhichNobodyCouldLookCountsForNone() {
        seen(0, new Place(5, 6));
        standstill.forget();

        assertThat(seen(600, new Place(5, 6))).isZero();
        assertThat(seen(610, new Place(5, 6))).hasSeconds(10);
    }

    private Duration seen(long second, Place place) {
        return standstill.longest(Map.of(ONE, place), nanos(second));
    }

    private static long nanos(long second) {
        return START + TimeUnit.SECONDS.toNanos(second);
    }
}
