package io.millrace.worker.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

class CancellationsTest {
    private static final Node[] NOBODY = {};

    /** Its reader asks again after any KafkaException, and would end with any other. */
    @Test
    void aTopicThatIsGoneIsAskedForAgain() {
        assertThatThrownBy(() -> Cancellations.partitions("millrace.cancellations", List.of()))
                .isInstanceOf(KafkaException.class)
                .hasMessageContaining("millrace.cancellations: is not there");
        assertThat(Cancellations.partitions(
                        "c",
                        List.of(
                                new PartitionInfo("c", 0, Node.noNode(), NOBODY, NOBODY),
                                new PartitionInfo("c", 1, Node.noNode(), NOBODY, NOBODY))))
                .containsExactly(new TopicPartition("c", 0), new TopicPartition("c", 1));
    }
}
