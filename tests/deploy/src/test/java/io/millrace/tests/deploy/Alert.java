package io.millrace.tests.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.stream.Stream;

/** An alerting rule. */
record Alert(String name, JsonNode json) {
    static Stream<Alert> all() {
        return Repository.yaml(Repository.RULES)
                .get("groups")
                .valueStream()
                .flatMap(group -> group.get("rules").valueStream())
                .map(rule -> new Alert(rule.get("alert").asText(), rule));
    }

    Query query() {
        return new Query("alert " + name, json.get("expr").asText(), "");
    }

    @Override
    public String toString() {
        return name;
    }
}
