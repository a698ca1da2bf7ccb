package io.millrace.tests.deploy;

import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** A service of docker-compose.yml, its anchors and merges resolved. */
record ComposeService(String name, Map<String, Object> settings) {
    static Stream<ComposeService> all() {
        return mapping(file().get("services")).entrySet().stream()
                .map(entry -> new ComposeService(entry.getKey(), mapping(entry.getValue())));
    }

    static Stream<ComposeService> ofMillrace() {
        return all().filter(service -> service.text("image").startsWith("millrace:"));
    }

    static ComposeService kafka() {
        return all().filter(service -> service.name().equals("kafka"))
                .findFirst()
                .orElseThrow();
    }

    /** The named volumes. */
    static Set<String> volumes() {
        return mapping(file().get("volumes")).keySet();
    }

    private static Map<String, Object> file() {
        try (Reader reader = Files.newBufferedReader(Repository.ROOT.resolve("docker-compose.yml"))) {
            return mapping(new Yaml(new SafeConstructor(new LoaderOptions())).load(reader));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String text(String key) {
        return String.valueOf(settings.get(key));
    }

    List<String> command() {
        return list("command");
    }

    Invocation invocation() {
        return new Invocation(name, command(), environment());
    }

    List<String> list(String key) {
        return settings.get(key) instanceof List<?> values
                ? values.stream().map(String::valueOf).toList()
                : List.of();
    }

    /** The folders in the container, whatever is mounted there. */
    List<String> mounted() {
        return Stream.concat(
                        list("tmpfs").stream().map(folder -> folder.replaceFirst(":.*", "")),
                        list("volumes").stream()
                                .map(volume -> volume.replaceFirst(":ro$", "").replaceFirst(".*:", "")))
                .toList();
    }

    Map<String, Object> environment() {
        return mapping(settings.get("environment"));
    }

    Map<String, Object> part(String key) {
        return mapping(settings.get(key));
    }

    @Override
    public String toString() {
        return name;
    }

    private static Map<String, Object> mapping(@Nullable Object value) {
        Map<String, Object> mapping = new TreeMap<>();
        if (value instanceof Map<?, ?> entries) {
            entries.forEach((key, one) -> mapping.put(String.valueOf(key), one == null ? "" : one));
        }
        return mapping;
    }
}
