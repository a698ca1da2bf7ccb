package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class TopicReaderTest {
    private static final TopicPartition RUNS = new TopicPartition("millrace.runs", 3);

    private final MockConsumer<byte[], byte[]> consumer = new MockConsumer<>("earliest");
    private final AtomicLong nanos = new AtomicLong();

    private void holding(long... offsets) {
        consumer.assign(List.of(RUNS));
        consumer.updateBeginningOffsets(Map.of(RUNS, 0L));
        for (long offset : offsets) {
            consumer.schedulePollTask(() -> consumer.addRecord(
                    new ConsumerRecord<>(RUNS.topic(), RUNS.partition(), offset, new byte[1], new byte[1])));
        }
    }

    /** Or whose transaction nobody ends: the consumer answers with nothing. */
    @Test
    @Timeout(30)
    void aTopicWhoseBrokerWentAwayIsNotReadForEver() {
        holding(0);

        assertThatThrownBy(() -> TopicReader.toTheEnd(
                        consumer,
                        Map.of(RUNS, 2L),
                        () -> nanos.addAndGet(Duration.ofSeconds(1).toNanos())))
                .isInstanceOfSatisfying(
                        CommandFailure.class,
                        failure -> assertThat(failure.exitCode()).isEqualTo(ExitCode.UNAVAILABLE))
                .hasMessageContaining("millrace.runs, partition 3: nothing came for 30 s, and 1 offsets are left");
    }

    @Test
    @Timeout(30)
    void aTopicThatComesSlowlyIsReadToItsEnd() {
        holding(0, 1, 2);

        assertThat(TopicReader.toTheEnd(
                        consumer,
                        Map.of(RUNS, 2L),
                        () -> nanos.addAndGet(Duration.ofSeconds(20).toNanos())))
                .extracting(ConsumerRecord::offset)
                .containsExactly(0L, 1L);
    }
}
