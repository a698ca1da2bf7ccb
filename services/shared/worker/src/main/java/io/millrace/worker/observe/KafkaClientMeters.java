package io.millrace.worker.observe;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;

/**
 * Shows a Kafka client's own numbers as gauges and counters, for clients that Micrometer does not know (share consumers) and those that
 * are closed and opened again. Only figures of a whole client are taken: those of each node and partition would multiply.
 */
public final class KafkaClientMeters {
    private static final String CLIENT_ID = "client-id";
    private static final String TOTAL = "-total";

    private final MeterRegistry registry;
    private final Supplier<? extends Map<MetricName, ? extends Metric>> source;
    private final Set<MetricName> known = ConcurrentHashMap.newKeySet();
    private volatile Map<MetricName, ? extends Metric> current = Map.of();

    public KafkaClientMeters(MeterRegistry registry, Supplier<? extends Map<MetricName, ? extends Metric>> source) {
        this.registry = registry;
        this.source = source;
    }

    /** Looks at the client anew; called before each scrape. A client that is closed has no values. */
    public void refresh() {
        current = source.get();
        current.forEach((name, metric) -> {
            if (name.tags().keySet().equals(Set.of(CLIENT_ID))
                    && metric.metricValue() instanceof Number
                    && known.add(name)) {
                register(name);
            }
        });
    }

    private void register(MetricName name) {
        Tags tags = Tags.of("client.id", name.tags().getOrDefault(CLIENT_ID, ""));
        if (name.name().endsWith(TOTAL)) {
            FunctionCounter.builder(meterName(name), this, meters -> meters.valueOf(name))
                    .description(name.description())
                    .tags(tags)
                    .register(registry);
        } else {
            Gauge.builder(meterName(name), () -> valueOf(name))
                    .description(name.description())
                    .tags(tags)
                    .register(registry);
        }
    }

    private double valueOf(MetricName name) {
        Metric metric = current.get(name);
        return metric != null && metric.metricValue() instanceof Number number ? number.doubleValue() : Double.NaN;
    }

    private static String meterName(MetricName name) {
        return "kafka." + name.group().replace("-metrics", "").replace('-', '.') + "."
                + name.name().replace('-', '.');
    }
}
