package io.millrace.tests.deploy;

import static java.util.Map.entry;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.MapperConfig;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.strimzi.api.kafka.model.kafka.Kafka;
import io.strimzi.api.kafka.model.nodepool.KafkaNodePool;
import io.strimzi.api.kafka.model.user.KafkaUser;
import java.util.Map;
import java.util.Optional;

/** Reads a resource into the class of its kind and takes nothing that the class has no place for. */
final class KubernetesApi {
    private static final Map<String, Class<?>> KINDS = Map.ofEntries(
            entry("v1 Namespace", Namespace.class),
            entry("v1 ConfigMap", ConfigMap.class),
            entry("v1 Service", Service.class),
            entry("v1 PersistentVolumeClaim", PersistentVolumeClaim.class),
            entry("apps/v1 Deployment", Deployment.class),
            entry("apps/v1 StatefulSet", StatefulSet.class),
            entry("batch/v1 Job", Job.class),
            entry("policy/v1 PodDisruptionBudget", PodDisruptionBudget.class),
            entry("networking.k8s.io/v1 NetworkPolicy", NetworkPolicy.class),
            entry("keda.sh/v1alpha1 ScaledObject", ScaledObject.class),
            entry("monitoring.coreos.com/v1 PodMonitor", PodMonitor.class),
            entry("kustomize.config.k8s.io/v1beta1 Kustomization", Kustomization.class),
            entry("kustomize.config.k8s.io/v1alpha1 Component", Kustomization.class),
            entry("kafka.strimzi.io/v1 Kafka", Kafka.class),
            entry("kafka.strimzi.io/v1 KafkaNodePool", KafkaNodePool.class),
            entry("kafka.strimzi.io/v1 KafkaUser", KafkaUser.class));

    private static final ObjectMapper STRICT = new ObjectMapper().setAnnotationIntrospector(new NothingElse());

    private KubernetesApi() {}

    /** @throws AssertionError naming the field, if the API has no such field or no such value */
    static Object read(JsonNode json) {
        String kind = json.path("apiVersion").asText() + " " + json.path("kind").asText();
        Class<?> type = KINDS.get(kind);
        if (type == null) {
            throw new AssertionError("no kind '" + kind + "'; known are " + KINDS.keySet());
        }
        try {
            Object resource = STRICT.treeToValue(json, type);
            lost(json, STRICT.valueToTree(resource), "").ifPresent(field -> {
                throw new AssertionError(kind + ": no such value at " + field);
            });
            return resource;
        } catch (JsonProcessingException e) {
            throw new AssertionError(kind + ": " + e.getMessage(), e);
        }
    }

    /** An enumeration drops a value that it does not know: where the resource says less than the text did. */
    private static Optional<String> lost(JsonNode text, JsonNode read, String at) {
        if (text.isObject()) {
            return text.propertyStream()
                    .flatMap(field ->
                            lost(field.getValue(), read.path(field.getKey()), at + "/" + field.getKey()).stream())
                    .findFirst();
        }
        if (text.isArray()) {
            for (int i = 0; i < text.size(); i++) {
                Optional<String> inside = lost(text.get(i), read.path(i), at + "/" + i);
                if (inside.isPresent()) {
                    return inside;
                }
            }
            return Optional.empty();
        }
        return text.asText().equals(read.asText()) ? Optional.empty() : Optional.of(at + ": " + text);
    }

    /** The classes keep unknown fields aside, so that they can be written back; here they must be known. */
    private static final class NothingElse extends JacksonAnnotationIntrospector {
        private static final long serialVersionUID = 1;

        @Override
        public Boolean hasAnySetter(Annotated method) {
            return false;
        }

        @Override
        public JsonIgnoreProperties.Value findPropertyIgnoralByName(MapperConfig<?> config, Annotated type) {
            return super.findPropertyIgnoralByName(config, type).withoutIgnoreUnknown();
        }
    }
}
