package io.millrace.tests.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A resource of Kubernetes, read strictly.
 *
 * @param where its file
 */
record Manifest(String where, JsonNode json, Object resource) {
    static final Path FOLDER = Repository.DEPLOY.resolve("kubernetes");

    private static @Nullable List<Manifest> all;

    /** Of all files, also patches, which are resources with most fields left out. Read once, since many tests ask. */
    static synchronized Stream<Manifest> all() {
        if (all == null) {
            all = Repository.filesBelow(FOLDER, ".yaml").stream()
                    .flatMap(file -> read(FOLDER.relativize(file).toString(), Repository.text(file)))
                    .toList();
        }
        return all.stream();
    }

    /** The documents of a YAML file. */
    static Stream<Manifest> read(String where, String yaml) {
        YAMLMapper mapper = new YAMLMapper();
        try (var documents = mapper.readerFor(JsonNode.class).<JsonNode>readValues(yaml)) {
            return documents.readAll().stream().map(json -> of(where, json));
        } catch (IOException e) {
            throw new UncheckedIOException(where + ": " + e.getMessage(), e);
        }
    }

    private static Manifest of(String where, JsonNode json) {
        try {
            return new Manifest(where, json, KubernetesApi.read(json));
        } catch (AssertionError e) {
            throw new AssertionError(where + ": " + e.getMessage(), e);
        }
    }

    /** The resource if it is of this kind. */
    <T> Stream<T> as(Class<T> type) {
        return type.isInstance(resource) ? Stream.of(type.cast(resource)) : Stream.empty();
    }

    String name() {
        return json.at("/metadata/name").asText();
    }

    /** The pods that it makes; none if it is a patch or makes none. */
    Stream<Pods> pods() {
        return switch (resource) {
            case Deployment deployment -> pods(deployment.getSpec().getTemplate());
            case StatefulSet set -> pods(set.getSpec().getTemplate());
            case Job job -> pods(job.getSpec().getTemplate());
            default -> Stream.empty();
        };
    }

    private Stream<Pods> pods(PodTemplateSpec template) {
        return template.getMetadata() == null ? Stream.empty() : Stream.of(new Pods(this, template));
    }

    /** What the ConfigMaps of this name say, whatever the overlay. */
    static Map<String, String> settings(String name) {
        return settings(all(), name);
    }

    /** What the ConfigMaps of this name among these resources say, the last one last. */
    static Map<String, String> settings(Stream<Manifest> manifests, String name) {
        Map<String, String> all = new TreeMap<>();
        manifests
                .flatMap(manifest -> manifest.as(ConfigMap.class))
                .filter(map -> map.getMetadata().getName().equals(name))
                .forEach(map -> all.putAll(map.getData()));
        return all;
    }

    @Override
    public String toString() {
        return where + ": " + json.path("kind").asText() + " " + name();
    }
}
