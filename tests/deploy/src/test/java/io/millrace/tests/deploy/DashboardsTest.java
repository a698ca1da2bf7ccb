package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What Grafana asks of a dashboard, and what a reader does. */
final class DashboardsTest {
    /** Of Grafana's units, those that make sense here; a unit that it does not know is shown as text behind the number. */
    private static final Set<String> UNITS =
            Set.of("none", "s", "ms", "bytes", "Bps", "percentunit", "suffix:×", "suffix: nat", "suffix:/s");

    private static final Set<String> TYPES = Set.of("stat", "timeseries", "table", "bargauge");
    private static final Pattern VARIABLE = Pattern.compile("\\$(\\w+)");
    private static final Pattern PAGE = Pattern.compile("/public/runbooks/([\\w.-]+)");
    private static final int COLUMNS = 24;

    static Stream<Dashboard> dashboards() {
        return Dashboard.all();
    }

    @Test
    void thereIsADashboardForEachQuestion() {
        assertThat(dashboards())
                .extracting(Dashboard::name)
                .containsExactly("economics", "jvm", "kafka", "models", "overview", "stages");
        assertThat(dashboards().map(dashboard -> dashboard.json().get("uid").asText()))
                .doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @MethodSource("dashboards")
    void everyPanelSaysWhatItShowsInWhichUnit(Dashboard dashboard) {
        assertThat(dashboard.json().get("schemaVersion").asInt()).isEqualTo(41);
        assertThat(dashboard.panels()).isNotEmpty().allSatisfy(panel -> {
            assertThat(panel.get("title").asText()).isNotBlank();
            assertThat(panel.get("description").asText()).endsWith(".");
            assertThat(panel.get("type").asText()).isIn(TYPES);
            assertThat(panel.at("/fieldConfig/defaults/unit").asText()).isIn(UNITS);
            assertThat(panel.at("/fieldConfig/defaults/thresholds/steps")).isNotEmpty();
            assertThat(panel.get("options").isObject()).isTrue();
            assertSource(panel);
            assertThat(panel.get("targets")).isNotEmpty().allSatisfy(target -> {
                assertSource(target);
                assertThat(target.get("expr").asText()).isNotBlank();
                assertThat(target.get("refId").asText()).matches("[A-Z]");
                assertThat(target.get("range").asBoolean())
                        .isNotEqualTo(target.get("instant").asBoolean());
            });
            assertThat(panel.get("targets").valueStream().map(target -> target.get("refId")))
                    .doesNotHaveDuplicates();
        });
    }

    @ParameterizedTest
    @MethodSource("dashboards")
    void panelsLieBesideEachOther(Dashboard dashboard) {
        Set<List<Integer>> taken = new HashSet<>();
        List<Integer> ids = new ArrayList<>();
        for (JsonNode panel : dashboard.json().get("panels")) {
            JsonNode place = panel.get("gridPos");
            int right = place.get("x").asInt() + place.get("w").asInt();
            assertThat(right).as(panel.get("title").asText()).isLessThanOrEqualTo(COLUMNS);
            for (int x = place.get("x").asInt(); x < right; x++) {
                for (int y = place.get("y").asInt();
                        y < place.get("y").asInt() + place.get("h").asInt();
                        y++) {
                    assertThat(taken.add(List.of(x, y)))
                            .as("'%s' covers no other panel", panel.get("title").asText())
                            .isTrue();
                }
            }
            ids.add(panel.get("id").asInt());
        }
        assertThat(ids).doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @MethodSource("dashboards")
    void everyVariableIsDeclaredAndEachNarrowsTheNext(Dashboard dashboard) {
        Set<String> declared = new HashSet<>();
        for (JsonNode variable : dashboard.variables()) {
            String query = variable.get("query").path("query").asText();
            assertThat(declared).containsAll(variablesIn(query));
            if (declared.size() > 1) {
                assertThat(variablesIn(query))
                        .as("a later variable depends on an earlier one")
                        .isNotEmpty();
            }
            declared.add(variable.get("name").asText());
        }
        assertThat(declared).contains("datasource");
        Stream.concat(dashboard.queries().stream(), dashboard.annotations().stream())
                .forEach(query -> assertThat(variablesIn(query.expression()))
                        .as(query.where())
                        .allMatch(name -> name.startsWith("__") || declared.contains(name)));
    }

    @ParameterizedTest
    @MethodSource("dashboards")
    void everyLinkLeadsToAPageThatIsThere(Dashboard dashboard) {
        assertThat(PAGE.matcher(dashboard.json().toString().replace("${__value.text}.md", ""))
                        .results())
                .allSatisfy(match ->
                        assertThat(Repository.RUNBOOKS.resolve(match.group(1))).matches(Files::exists));
    }

    @Test
    void modelsAreMarkedWhereTheyArePublishedAndRejected() {
        assertThat(dashboards()
                        .filter(dashboard ->
                                List.of("overview", "economics", "models").contains(dashboard.name())))
                .hasSize(3)
                .allSatisfy(dashboard -> assertThat(dashboard.annotations())
                        .extracting(query -> query.where().replaceAll(".*annotation ", ""))
                        .containsExactly("Published model", "Rejected model"));
    }

    private static void assertSource(JsonNode node) {
        assertThat(node.at("/datasource/type").asText()).isEqualTo("prometheus");
        assertThat(node.at("/datasource/uid").asText()).isEqualTo("${datasource}");
    }

    private static List<String> variablesIn(String text) {
        return VARIABLE.matcher(text).results().map(match -> match.group(1)).toList();
    }
}
