package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The rules of the network let through what the settings name, and whoever changes the settings learns of the rules. */
final class NetworkTest {
    @Test
    void theNetworkLetsTheScraperInAndKafkaOut() {
        NetworkPolicy policy = Manifest.all()
                .flatMap(manifest -> manifest.as(NetworkPolicy.class))
                .filter(network -> network.getMetadata().getName().equals("millrace"))
                .findFirst()
                .orElseThrow();
        Map<String, String> selected = policy.getSpec().getPodSelector().getMatchLabels();

        assertThat(Pods.all()).allSatisfy(pods -> assertThat(pods.labels()).containsAllEntriesOf(selected));
        assertThat(policy.getSpec()
                        .getIngress()
                        .getFirst()
                        .getPorts()
                        .getFirst()
                        .getPort()
                        .getIntVal())
                .isEqualTo(WorkloadsTest.stages()
                        .findFirst()
                        .orElseThrow()
                        .container()
                        .getPorts()
                        .getFirst()
                        .getContainerPort());
        assertThat(Manifest.settings("millrace").get("MILLRACE_KAFKA"))
                .endsWith(":"
                        + policy.getSpec()
                                .getEgress()
                                .getLast()
                                .getPorts()
                                .getFirst()
                                .getPort()
                                .getIntVal());
    }

    /** Where an address is set, its reader learns which port is open, and so does the reader of the README. */
    @Test
    void theNetworkLetsTheBucketThroughAndSaysWhatElseItDoesNot() {
        String bucket = String.valueOf(Manifest.settings("millrace").get("MILLRACE_STORE"));
        Matcher port = Pattern.compile("endpoint=\\w+://[^&:]+:(\\d+)").matcher(bucket);
        List<Integer> open = Manifest.all()
                .flatMap(manifest -> manifest.as(NetworkPolicy.class))
                .filter(network -> network.getMetadata().getName().equals("store"))
                .flatMap(network -> network.getSpec().getEgress().stream())
                // The other lets roles be fetched where clouds hand them out.
                .filter(rule -> rule.getTo().isEmpty())
                .flatMap(rule -> rule.getPorts().stream())
                .map(allowed -> allowed.getPort().getIntVal())
                .toList();
        String readme = Repository.text(Repository.DEPLOY.resolve("README.md"));

        assertThat(open).containsExactly(port.find() ? Integer.parseInt(port.group(1)) : 443);
        assertThat(Repository.text(Manifest.FOLDER.resolve("store-s3/settings.yaml")))
                .containsPattern("# .*port.*network\\.yaml");
        assertThat(Repository.text(Manifest.FOLDER.resolve("base/settings.yaml")))
                .containsPattern("# .*OTEL_EXPORTER_OTLP_ENDPOINT.*4318.*network\\.yaml");
        assertThat(readme)
                .contains("`store-s3/network.yaml`")
                .containsPattern("4318, into `kubernetes/base/network.yaml`");
    }
}
