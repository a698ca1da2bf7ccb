package io.millrace.conductor;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.TopicPartition;

/** Since when each partition's reader has stood where it stands, though there is more behind. */
final class Standstill {
    private final Map<TopicPartition, Since> standing = new HashMap<>();

    /**
     * @param next the offset that its reader comes to next
     * @param end behind the last record that is written, whether its transaction is open or not
     */
    record Place(long next, long end) {}

    private record Since(long next, long nanos) {}

    /** Looks at every partition; says for how long the one that waits longest has, zero if none does. */
    Duration longest(Map<TopicPartition, Place> places, long nanoTime) {
        standing.keySet().retainAll(places.keySet());
        places.forEach((partition, place) -> {
            if (place.next() >= place.end()) {
                standing.remove(partition);
            } else {
                standing.merge(
                        partition,
                        new Since(place.next(), nanoTime),
                        (before, now) -> before.next() == now.next() ? before : now);
            }
        });
        return standing.values().stream()
                .map(since -> Duration.ofNanos(nanoTime - since.nanos()))
                .max(Duration::compareTo)
                .orElse(Duration.ZERO);
    }

    /** Nobody could look: that time counts for none. */
    void forget() {
        standing.clear();
    }
}
