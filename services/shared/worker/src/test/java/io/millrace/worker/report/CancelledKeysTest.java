package io.millrace.worker.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

/** A job that is taken for cancelled ends without a word, so that nothing may be taken for read that was not. */
class CancelledKeysTest {
    private static final TopicPartition TOPIC = new TopicPartition("millrace.cancellations", 0);

    private final CancelledKeys keys = new CancelledKeys();

    @Test
    void nothingIsReadBeforeTheTopicIsFound() {
        assertThat(keys.partitions()).isEmpty();
        assertThat(keys.hasRead(Map.of())).isFalse();
        assertThat(keys.hasRead(Map.of(TOPIC, 0L))).isFalse();
    }

    @Test
    void whatIsToldOfThePartHalfReadIsNotTheEnd() {
        keys.begin(List.of(TOPIC));
        keys.cancel("asked for again further on");

        assertThat(keys.partitions()).containsExactly(TOPIC);
        assertThat(keys.hasRead(Map.of(TOPIC, 2L))).isFalse();

        keys.takeBack("asked for again further on");
        keys.readTo(Map.of(TOPIC, 2L));

        assertThat(keys.hasRead(Map.of(TOPIC, 2L))).isTrue();
        assertThat(keys.hasRead(Map.of(TOPIC, 3L))).isFalse();
        assertThat(keys.contains("asked for again further on")).isFalse();
    }

    @Test
    void anEmptyTopicIsReadAtOnce() {
        keys.begin(List.of(TOPIC));

        assertThat(keys.hasRead(Map.of(TOPIC, 0L))).isTrue();
    }

    @Test
    void whereTheTopicIsReadAgainWhatWasKnownBeforeDoesNotCount() {
        keys.begin(List.of(TOPIC));
        keys.cancel("taken back, and compacted away, while nobody read");
        keys.readTo(Map.of(TOPIC, 5L));

        keys.begin(List.of(TOPIC));

        assertThat(keys.hasRead(Map.of(TOPIC, 5L))).isFalse();
        assertThat(keys.contains("taken back, and compacted away, while nobody read"))
                .isFalse();
    }
}
