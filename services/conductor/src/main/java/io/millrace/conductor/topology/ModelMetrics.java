package io.millrace.conductor.topology;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.events.ModelPublished;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The numbers of the model that serving teams get now, one gauge for each metric of its evidence: their history is the
 * history of the model's versions. The version itself is no label, since each would be a new series.
 */
final class ModelMetrics {
    private static final String PREFIX = "millrace.model.";

    private final MeterRegistry registry;
    private final Map<Tags, Map<String, Double>> shown = new ConcurrentHashMap<>();

    ModelMetrics(MeterRegistry registry) {
        this.registry = registry;
    }

    /** @return what {@link #hide} takes */
    Tags show(ModelPublished latest) {
        Tags tags = Tags.of("model", latest.model().value(), "policy", latest.policy(), "target", latest.target());
        Map<String, Double> numbers = numbers(latest);
        Map<String, Double> before = shown.put(tags, numbers);
        Set<String> known = before == null ? Set.of() : before.keySet();
        numbers.keySet().stream().filter(name -> !known.contains(name)).forEach(name -> register(name, tags));
        return tags;
    }

    /** Another conductor shows it from now on. */
    void hide(Tags tags) {
        Map<String, Double> numbers = shown.remove(tags);
        if (numbers != null) {
            numbers.keySet()
                    .forEach(name -> registry.find(name).tags(tags).meters().forEach(registry::remove));
        }
    }

    /** A metric that this version was not measured by has no value, rather than the value of the version before. */
    private void register(String name, Tags tags) {
        Gauge.builder(name, shown, all -> all.getOrDefault(tags, Map.of()).getOrDefault(name, Double.NaN))
                .description("The published model's measurement")
                .tags(tags)
                .register(registry);
    }

    private static Map<String, Double> numbers(ModelPublished model) {
        Map<String, Double> numbers = new HashMap<>();
        for (Measurement measurement : model.decision().evidence()) {
            String name = PREFIX + measurement.metric().replace('-', '.');
            measurement.value().ifPresent(value -> numbers.put(name, value));
            if (measurement.metric().equals(Metric.PERPLEXITY.wireName())) {
                measurement.baseline().ifPresent(value -> numbers.put(PREFIX + "original.perplexity", value));
            }
        }
        numbers.remove(PREFIX + Metric.SIZE.wireName());
        numbers.put(PREFIX + "bytes", (double) model.sizeBytes());
        numbers.put(PREFIX + "original.bytes", (double) model.originalBytes());
        return numbers;
    }
}
