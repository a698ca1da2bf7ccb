package io.millrace.tests.deploy;

import io.fabric8.kubernetes.api.model.LabelSelector;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The Prometheus operator's resource with the fields that are used here. */
record PodMonitor(String apiVersion, String kind, ObjectMeta metadata, Spec spec) {
    record Spec(LabelSelector selector, List<Endpoint> podMetricsEndpoints) {}

    record Endpoint(String port, String path, String interval, List<Relabeling> relabelings) {}

    record Relabeling(
            @Nullable List<String> sourceLabels,
            String targetLabel,
            @Nullable String replacement) {}
}
