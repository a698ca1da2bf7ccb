package io.millrace.events.wire;

import java.util.Map;

/**
 * A topic as it should be.
 *
 * @param configs Kafka's topic settings by name
 */
public record TopicSpec(String name, int partitions, Map<String, String> configs) {
    public TopicSpec {
        configs = Map.copyOf(configs);
    }
}
