package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every alert reaches somebody, and the file that says whom keeps no secret. */
final class AlertmanagerTest {
    private static final String KEYS = "/etc/receivers/";

    private final Alertmanager file = Alertmanager.read();

    @TempDir
    Path folder;

    private static List<String> severities() {
        return Alert.all()
                .map(alert -> alert.json().at("/labels/severity").asText())
                .distinct()
                .toList();
    }

    /** Labels of the alerts that the tests of the rules see firing. */
    private static List<JsonNode> firing() {
        return Repository.yaml(Repository.DEPLOY.resolve("prometheus/tests/millrace.yml"))
                .get("tests")
                .valueStream()
                .flatMap(test -> test.get("alert_rule_test").valueStream())
                .flatMap(test -> test.path("exp_alerts").valueStream())
                .map(alert -> alert.get("exp_labels"))
                .toList();
    }

    @Test
    void everySeverityHasARouteToAReceiver() {
        assertThat(file.bySeverity()).containsOnlyKeys(severities());
        assertThat(Stream.concat(file.bySeverity().values().stream(), Stream.of(file.lastResort())))
                .allMatch(file.receivers()::contains);
        assertThat(file.receivers()).allMatch(file.bySeverity()::containsValue);
    }

    /** A label that two alerts lack counts as equal, so each must be asked for on both sides. */
    @Test
    void anInhibitionIsOfAlertsThatHaveItsLabels() {
        assertThat(file.inhibitions()).isNotEmpty().allSatisfy(rule -> {
            List<String> labels = Alertmanager.texts(rule.get("equal")).toList();
            for (Map.Entry<String, String> side : Map.of("source_matchers", "critical", "target_matchers", "warning")
                    .entrySet()) {
                assertThat(Alertmanager.texts(rule.get(side.getKey())))
                        .containsExactlyInAnyOrderElementsOf(Stream.concat(
                                        Stream.of("severity = \"" + side.getValue() + "\""),
                                        labels.stream().map(label -> label + " != \"\""))
                                .toList());
                assertThat(firing())
                        .as(side.getKey() + " of " + rule)
                        .anyMatch(alert -> alert.get("severity").asText().equals(side.getValue())
                                && labels.stream().allMatch(alert::has));
            }
        });
    }

    @Test
    void keysLieInFilesOfTheFolderThatIsMounted() {
        assertThat(file.settings().filter(setting -> setting.getKey().endsWith("_file")))
                .hasSameSizeAs(file.receivers())
                .allMatch(setting -> setting.getValue().asText().startsWith(KEYS));
        assertThat(file.settings().map(Map.Entry::getKey))
                .doesNotContain("routing_key", "service_key", "api_url", "url", "auth_password");
        assertThat(service("alertmanager").list("volumes"))
                .contains("${MILLRACE_RECEIVERS:-./receivers}:" + KEYS.replaceFirst("/$", "") + ":ro");
        for (String ignored : List.of(".gitignore", ".dockerignore")) {
            assertThat(Repository.text(Repository.ROOT.resolve(ignored)).lines())
                    .containsAnyOf("receivers", "/receivers/");
        }
    }

    @Test
    void prometheusLooksForTheServiceAtItsPort() {
        JsonNode found = Repository.yaml(Repository.DEPLOY.resolve("prometheus/prometheus.yml"))
                .at("/alerting/alertmanagers/0/dns_sd_configs/0");

        assertThat(Alertmanager.texts(found.get("names"))).containsExactly("alertmanager");
        assertThat(service("alertmanager").list("ports"))
                .containsExactly(
                        "127.0.0.1:%1$s:%1$s".formatted(found.get("port").asText()));
    }

    private static ComposeService service(String name) {
        return ComposeService.all()
                .filter(service -> service.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void alertmanagerAcceptsTheFileAndRoutesAsItSays() throws Exception {
        OperationsTool amtool = OperationsTool.orSkip("amtool");
        String name = Alertmanager.FILE.toString();

        assertThat(amtool.run(folder, "check-config", name)).startsWith("0\n");
        for (String severity : severities()) {
            assertThat(receiver(amtool, "severity=" + severity))
                    .as(severity)
                    .isEqualTo(file.bySeverity().get(severity));
        }
        assertThat(receiver(amtool, "alertname=Other")).isEqualTo(file.lastResort());
    }

    private String receiver(OperationsTool amtool, String label) throws Exception {
        return amtool.run(folder, "config", "routes", "test", "--config.file", Alertmanager.FILE.toString(), label)
                .lines()
                .filter(file.receivers()::contains)
                .findFirst()
                .orElse("nobody");
    }
}
