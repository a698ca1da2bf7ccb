package io.millrace.tests.deploy;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.VolumeMount;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Pods of Millrace, each with one container, as a resource makes them. */
record Pods(Manifest owner, PodTemplateSpec template) {
    private static final Pattern VARIABLE = Pattern.compile("\\$\\((\\w+)\\)");

    static Stream<Pods> all() {
        return Manifest.all().flatMap(Manifest::pods);
    }

    PodSpec spec() {
        return template.getSpec();
    }

    Map<String, String> labels() {
        return template.getMetadata().getLabels();
    }

    boolean ofStage() {
        return "stage".equals(labels().get("app.kubernetes.io/component"));
    }

    /** True if it only waits, and people run commands in it. */
    boolean ofPeople() {
        return !container().getCommand().isEmpty();
    }

    Container container() {
        if (spec().getContainers().size() != 1) {
            throw new AssertionError(owner + " has " + spec().getContainers().size() + " containers instead of one");
        }
        return spec().getContainers().getFirst();
    }

    /** The variables of the container, those from Secrets with their own name as value. */
    Map<String, String> environment() {
        Map<String, String> all = new TreeMap<>();
        container()
                .getEnvFrom()
                .forEach(source ->
                        all.putAll(Manifest.settings(source.getConfigMapRef().getName())));
        for (EnvVar variable : container().getEnv()) {
            all.put(variable.getName(), variable.getValue() == null ? variable.getName() : variable.getValue());
        }
        return all;
    }

    /** The command of the container, as Kubernetes writes variables into it. */
    Invocation invocation() {
        Map<String, String> environment = environment();
        List<String> command = container().getArgs().stream()
                .map(argument -> VARIABLE.matcher(argument).replaceAll(variable -> {
                    String value = environment.get(variable.group(1));
                    if (value == null) {
                        throw new AssertionError(owner + ": no variable " + variable.group(1) + " for " + argument);
                    }
                    return Matcher.quoteReplacement(value);
                }))
                .toList();
        return new Invocation(owner.toString(), command, environment);
    }

    /** Folders that the container may write to; the rest of its file system is read-only. */
    List<String> writable() {
        return container().getVolumeMounts().stream()
                .filter(mount -> !Boolean.TRUE.equals(mount.getReadOnly()))
                .map(VolumeMount::getMountPath)
                .toList();
    }

    @Override
    public String toString() {
        return owner.toString();
    }
}
