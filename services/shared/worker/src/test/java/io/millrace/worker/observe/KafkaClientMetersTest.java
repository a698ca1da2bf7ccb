package io.millrace.worker.observe;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.junit.jupiter.api.Test;

class KafkaClientMetersTest {
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final Map<MetricName, Metric> metrics = new HashMap<>();
    private final KafkaClientMeters meters = new KafkaClientMeters(registry, () -> metrics);

    @Test
    void figuresOfTheWholeClientAreShownAndThoseOfItsNodesAreNot() {
        put(name("poll-count", Map.of("client-id", "a")), 3.0);
        put(name("node-count", Map.of("client-id", "a", "node-id", "1")), 4.0);
        put(name("version", Map.of("client-id", "a")), "4.3.1");

        meters.refresh();
        meters.refresh();

        assertThat(registry.getMeters()).hasSize(1);
        assertThat(registry.get("kafka.consumer.share.poll.count")
                        .tag("client.id", "a")
                        .gauge()
                        .value())
                .isEqualTo(3);
    }

    @Test
    void closedClientHasNoValueUntilItIsOpenedAgain() {
        MetricName polls = name("poll-count", Map.of("client-id", "a"));
        put(polls, 3.0);
        meters.refresh();

        metrics.clear();
        meters.refresh();
        assertThat(value()).isNaN();

        put(polls, 1.0);
        meters.refresh();
        assertThat(value()).isEqualTo(1);
    }

    private double value() {
        return registry.get("kafka.consumer.share.poll.count").gauge().value();
    }

    private static MetricName name(String name, Map<String, String> tags) {
        return new MetricName(name, "consumer-share-metrics", "", tags);
    }

    private void put(MetricName name, Object value) {
        metrics.put(name, new Metric() {
            @Override
            public MetricName metricName() {
                return name;
            }

            @Override
            public Object metricValue() {
                return value;
            }
        });
    }
}
