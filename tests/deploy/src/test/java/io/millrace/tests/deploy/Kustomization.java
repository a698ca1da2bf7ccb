package io.millrace.tests.deploy;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Kustomize's file, or a component, with the fields that are used here. */
record Kustomization(
        String apiVersion,
        String kind,
        @Nullable String namespace,
        @Nullable List<String> resources,
        @Nullable List<String> components,
        @Nullable List<Patch> patches,
        @Nullable List<Map<String, String>> images) {
    record Patch(String path, @Nullable Map<String, String> target) {}

    /** Files and folders that it is made of. */
    Stream<String> parts() {
        return Stream.of(
                        list(resources).stream(),
                        list(components).stream(),
                        list(patches).stream().map(Patch::path))
                .flatMap(part -> part);
    }

    private static <T> List<T> list(@Nullable List<T> values) {
        return Objects.requireNonNullElse(values, List.of());
    }
}
