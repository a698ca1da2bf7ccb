package io.millrace.client;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RetriableException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes down where a group begins, as soon as it does. Else a group that begins with what comes next would begin anew
 * after each stop and each change of its members until the first record came, and miss that one if it came between.
 */
record GroupBeginning(Consumer<?, ?> consumer) implements ConsumerRebalanceListener {
    private static final Logger LOG = LoggerFactory.getLogger(GroupBeginning.class);

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        try {
            Map<TopicPartition, OffsetAndMetadata> committed = consumer.committed(Set.copyOf(partitions));
            Map<TopicPartition, OffsetAndMetadata> beginning = new HashMap<>();
            for (TopicPartition partition : partitions) {
                if (committed.get(partition) == null) {
                    beginning.put(partition, new OffsetAndMetadata(consumer.position(partition)));
                }
            }
            if (!beginning.isEmpty()) {
                consumer.commitSync(beginning);
            }
        } catch (RetriableException e) {
            LOG.warn("where the group begins is not written down, so it may begin anew: {}", e.toString());
        }
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {}
}
