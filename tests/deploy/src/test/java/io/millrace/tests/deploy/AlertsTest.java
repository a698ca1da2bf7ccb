package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Alerts that wake somebody say what is the matter and what to do. */
final class AlertsTest {
    private static final Path PROMETHEUS = Repository.DEPLOY.resolve("prometheus");
    private static final Path TESTS = PROMETHEUS.resolve("tests/millrace.yml");

    @TempDir
    Path folder;

    static Stream<Alert> alerts() {
        return Alert.all();
    }

    @ParameterizedTest
    @MethodSource("alerts")
    void everyAlertSaysHowBadItIsAndWhatToDo(Alert alert) throws Exception {
        assertThat(alert.name()).startsWith("Millrace");
        assertThat(alert.json().at("/labels/severity").asText()).isIn("critical", "warning");
        assertThat(alert.json().get("for").asText()).matches("\\d+m");
        assertThat(alert.json().at("/annotations/summary").asText()).isNotBlank();
        assertThat(alert.json().at("/annotations/description").asText()).endsWith(".");
        assertThat(alert.json().at("/annotations/runbook_url").asText())
                .endsWith("/public/runbooks/" + alert.name() + ".md");
        assertThat(Files.readString(Repository.RUNBOOKS.resolve(alert.name() + ".md")))
                .startsWith("# " + alert.name() + "\n")
                .contains("\n## Look\n")
                .contains("\n## Do\n");
    }

    @Test
    void noRunbookIsLeftOver() {
        assertThat(Repository.files(Repository.RUNBOOKS, ".md").stream()
                        .map(file -> file.getFileName().toString().replace(".md", ""))
                        .filter(name -> !name.equals("evidence")))
                .containsExactlyInAnyOrderElementsOf(alerts().map(Alert::name).toList());
    }

    @Test
    void everyAlertIsTriedFiringAndSilent() {
        JsonNode tests = Repository.yaml(TESTS).get("tests");

        var tried = tests.valueStream()
                .flatMap(test -> test.get("alert_rule_test").valueStream())
                .collect(Collectors.groupingBy(
                        test -> test.get("alertname").asText(),
                        Collectors.mapping(test -> test.path("exp_alerts").isEmpty(), Collectors.toSet())));

        assertThat(tried.keySet())
                .containsExactlyInAnyOrderElementsOf(alerts().map(Alert::name).toList());
        assertThat(tried.values()).allSatisfy(kinds -> assertThat(kinds).containsExactlyInAnyOrder(true, false));
    }

    @Test
    void prometheusAcceptsTheConfiguration() throws Exception {
        OperationsTool promtool = OperationsTool.orSkip("promtool");

        assertThat(promtool.run(
                        folder,
                        "check",
                        "config",
                        PROMETHEUS.resolve("prometheus.yml").toString()))
                .startsWith("0\n");
    }

    @Test
    void alertsFireWhenTheyShouldAndOnlyThen() throws Exception {
        OperationsTool promtool = OperationsTool.orSkip("promtool");

        assertThat(promtool.run(folder, "test", "rules", TESTS.toString())).startsWith("0\n");
    }
}
