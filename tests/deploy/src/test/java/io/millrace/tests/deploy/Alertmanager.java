package io.millrace.tests.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** What deploy/prometheus/alertmanager.yml says. */
record Alertmanager(JsonNode json) {
    static final Path FILE = Repository.DEPLOY.resolve("prometheus/alertmanager.yml");

    static Alertmanager read() {
        return new Alertmanager(Repository.yaml(FILE));
    }

    /** Who gets alerts that no route names. */
    String lastResort() {
        return json.at("/route/receiver").asText();
    }

    /** Receivers by the severity that leads to them. */
    Map<String, String> bySeverity() {
        Map<String, String> receivers = new LinkedHashMap<>();
        for (JsonNode route : json.at("/route/routes")) {
            texts(route.get("matchers"))
                    .map(matcher -> matcher.replaceAll("severity = \"(\\w+)\"", "$1"))
                    .forEach(severity ->
                            receivers.put(severity, route.get("receiver").asText()));
        }
        return receivers;
    }

    List<String> receivers() {
        return json.get("receivers")
                .valueStream()
                .map(receiver -> receiver.get("name").asText())
                .toList();
    }

    /** The settings of all receivers. */
    Stream<Map.Entry<String, JsonNode>> settings() {
        return json.get("receivers")
                .valueStream()
                .flatMap(receiver ->
                        receiver.propertyStream().filter(part -> part.getValue().isArray()))
                .flatMap(part -> part.getValue().valueStream())
                .flatMap(JsonNode::propertyStream);
    }

    Stream<JsonNode> inhibitions() {
        return json.get("inhibit_rules").valueStream();
    }

    static Stream<String> texts(JsonNode list) {
        return list.valueStream().map(JsonNode::asText);
    }
}
