package io.millrace.tests.deploy;

import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscalerBehavior;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** KEDA's resource with the fields that are used here. Nobody publishes classes of it for Java. */
record ScaledObject(String apiVersion, String kind, ObjectMeta metadata, Spec spec) {
    record Spec(
            Target scaleTargetRef,
            int minReplicaCount,
            int maxReplicaCount,
            @Nullable Integer pollingInterval,
            @Nullable Integer cooldownPeriod,
            Advanced advanced,
            List<Trigger> triggers) {}

    record Target(String name) {}

    record Advanced(Autoscaler horizontalPodAutoscalerConfig) {}

    record Autoscaler(HorizontalPodAutoscalerBehavior behavior) {}

    record Trigger(String type, String name, Prometheus metadata) {}

    /** All are texts in KEDA. */
    record Prometheus(
            String serverAddress,
            String query,
            String threshold,
            @Nullable String ignoreNullValues) {}

    static Stream<ScaledObject> all() {
        return Manifest.all().flatMap(manifest -> manifest.as(ScaledObject.class));
    }

    List<Query> queries() {
        return spec.triggers().stream()
                .map(trigger -> new Query(
                        "scaler " + this + ": " + trigger.name(),
                        trigger.metadata().query(),
                        ""))
                .toList();
    }

    @Override
    public String toString() {
        return metadata.getName();
    }
}
