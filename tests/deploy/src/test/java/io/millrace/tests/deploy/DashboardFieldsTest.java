package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What Grafana's schema requires, by the strict reader of grafana-foundation-sdk 0.0.22 for Go. Grafana fills in what is left out,
 * but with the defaults of the day; GrafanaSchemaTest does not see it, since its reader fills in too.
 */
final class DashboardFieldsTest {
    private static final List<String> LINK = List.of(
            "title", "type", "icon", "tooltip", "url", "tags", "asDropdown", "targetBlank", "includeVars", "keepTime");
    private static final List<String> PANEL = List.of(
            "type",
            "gridPos/h",
            "gridPos/w",
            "gridPos/x",
            "gridPos/y",
            "fieldConfig/defaults/thresholds/mode",
            "fieldConfig/defaults/color/mode",
            "fieldConfig/overrides");
    private static final Map<String, List<String>> BY_TYPE = Map.of(
            "row",
            List.of("id", "collapsed", "panels"),
            "timeseries",
            List.of(
                    "options/legend/displayMode",
                    "options/legend/placement",
                    "options/legend/showLegend",
                    "options/legend/calcs",
                    "options/tooltip/mode",
                    "options/tooltip/sort"),
            "table",
            List.of("options/frameIndex", "options/showHeader", "fieldConfig/defaults/custom/inspect"),
            "stat",
            List.of(
                    "options/reduceOptions/calcs",
                    "options/orientation",
                    "options/graphMode",
                    "options/colorMode",
                    "options/justifyMode",
                    "options/textMode",
                    "options/wideLayout",
                    "options/showPercentChange",
                    "options/percentChangeColorMode"),
            "bargauge",
            List.of(
                    "options/reduceOptions/calcs",
                    "options/orientation",
                    "options/displayMode",
                    "options/valueMode",
                    "options/namePlacement",
                    "options/showUnfilled",
                    "options/sizing",
                    "options/minVizWidth",
                    "options/minVizHeight",
                    "options/maxVizHeight",
                    "options/legend/displayMode",
                    "options/legend/placement",
                    "options/legend/showLegend",
                    "options/legend/calcs"));

    static List<Dashboard> dashboards() {
        return Dashboard.all().toList();
    }

    @ParameterizedTest
    @MethodSource("dashboards")
    void nothingThatTheSchemaRequiresIsLeftOut(Dashboard dashboard) {
        assertHas(dashboard.json(), List.of("schemaVersion", "templating", "annotations"));
        dashboard.json().get("links").forEach(link -> assertHas(link, LINK));
        dashboard.variables().forEach(variable -> assertHas(variable, List.of("current/text", "current/value")));
        dashboard.json().at("/annotations/list").forEach(one -> assertHas(one, List.of("name", "enable", "iconColor")));
        dashboard.panels().forEach(panel -> assertHas(panel, PANEL));
        for (JsonNode panel : dashboard.json().get("panels")) {
            String type = panel.get("type").asText();
            assertThat(BY_TYPE).containsKey(type);
            assertHas(panel, BY_TYPE.getOrDefault(type, List.of()));
        }
    }

    private static void assertHas(JsonNode node, List<String> fields) {
        assertThat(fields)
                .as(node.path("title").asText(node.path("name").asText()))
                .allSatisfy(field -> assertThat(node.at("/" + field).isMissingNode())
                        .as("'%s' is left out", field)
                        .isFalse());
    }
}
