package io.millrace.tests.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** A dashboard as Grafana reads it. */
record Dashboard(String name, JsonNode json) {
    static Stream<Dashboard> all() {
        return Repository.files(Repository.DEPLOY.resolve("grafana/dashboards"), ".json").stream()
                .map(Dashboard::read);
    }

    private static Dashboard read(Path file) {
        return new Dashboard(file.getFileName().toString().replace(".json", ""), Repository.json(file));
    }

    /** Without the rows, which only carry a title. */
    List<JsonNode> panels() {
        return json.get("panels")
                .valueStream()
                .filter(panel -> !panel.get("type").asText().equals("row"))
                .toList();
    }

    List<Query> queries() {
        List<Query> queries = new ArrayList<>();
        for (JsonNode panel : panels()) {
            for (JsonNode target : panel.get("targets")) {
                queries.add(new Query(
                        name + ": " + panel.get("title").asText(),
                        target.get("expr").asText(),
                        target.get("legendFormat").asText()));
            }
        }
        return queries;
    }

    List<Query> annotations() {
        return json.at("/annotations/list")
                .valueStream()
                .map(annotation -> new Query(
                        name + ": annotation " + annotation.get("name").asText(),
                        annotation.get("expr").asText(),
                        annotation.get("textFormat").asText()))
                .toList();
    }

    /** What the variables choose among: the series whose label they list. */
    List<Query> variableQueries() {
        return variables().stream()
                .filter(variable -> variable.get("type").asText().equals("query"))
                .map(variable -> new Query(
                        name + ": variable " + variable.get("name").asText(),
                        variable.at("/query/query").asText().replaceAll("^label_values\\((.*), \\w+\\)$", "$1"),
                        variable.at("/query/query").asText().replaceAll("^.*, (\\w+)\\)$", "{{$1}}")))
                .toList();
    }

    List<JsonNode> variables() {
        return json.at("/templating/list").valueStream().toList();
    }

    @Override
    public String toString() {
        return name;
    }
}
