package io.millrace.worker.report;

import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.apache.kafka.common.TopicPartition;

/** The keys that the topic of cancellations holds, and how far it was read. One thread reads, any may ask. */
final class CancelledKeys {
    private final Set<String> keys = ConcurrentHashMap.newKeySet();
    private volatile Map<TopicPartition, Long> readTo = Map.of();

    /**
     * The topic is read from its beginning, for the first time or again. What was known before does not count: a
     * cancellation and what took it back may both be gone by now.
     */
    void begin(Collection<TopicPartition> partitions) {
        readTo = partitions.stream().collect(Collectors.toUnmodifiableMap(partition -> partition, _ -> 0L));
        keys.clear();
    }

    void cancel(String key) {
        keys.add(key);
    }

    void takeBack(String key) {
        keys.remove(key);
    }

    /** All records before these offsets have been told here. */
    void readTo(Map<TopicPartition, Long> positions) {
        readTo = Map.copyOf(positions);
    }

    boolean contains(String key) {
        return keys.contains(key);
    }

    /** Empty before the topic is found. */
    Set<TopicPartition> partitions() {
        return readTo.keySet();
    }

    /** Whether all records before these offsets have been told here; never, where it is not known what there is to read. */
    boolean hasRead(Map<TopicPartition, Long> ends) {
        Map<TopicPartition, Long> now = readTo;
        return !ends.isEmpty()
                && ends.entrySet().stream().allMatch(end -> now.getOrDefault(end.getKey(), -1L) >= end.getValue());
    }
}
