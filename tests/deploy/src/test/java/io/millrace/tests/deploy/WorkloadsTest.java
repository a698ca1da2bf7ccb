package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentStrategyBuilder;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What on Kubernetes belongs together bears the same names: stages, device classes, labels, ports, queries. */
final class WorkloadsTest {
    @Test
    void thereIsOneDeploymentForEachStageAndDeviceClass() {
        assertThat(stages())
                .hasSize(6)
                .allSatisfy(pods -> assertThat(pods.owner().name())
                        .isEqualTo(pods.invocation().command().getFirst() + "-" + devices(pods)));
        assertThat(stages().map(pods -> pods.owner().name())).doesNotHaveDuplicates();
    }

    @Test
    void everyDeviceClassHasItsQueues() {
        Pods topics = Pods.all()
                .filter(pods -> pods.owner().name().equals("topics"))
                .findFirst()
                .orElseThrow();

        assertThat(devices(topics).split(","))
                .containsExactlyInAnyOrderElementsOf(
                        stages().map(WorkloadsTest::devices).collect(Collectors.toSet()));
    }

    @Test
    void selectorsFindTheirPods() {
        assertThat(Manifest.all().flatMap(WorkloadsTest::selector))
                .hasSize(8)
                .allSatisfy(selected -> assertThat(selected.labels()).containsAllEntriesOf(selected.wanted()));
        assertThat(Manifest.all()
                        .flatMap(manifest -> manifest.as(PodDisruptionBudget.class))
                        .map(budget -> budget.getSpec().getSelector().getMatchLabels()))
                .containsExactlyInAnyOrderElementsOf(Manifest.all()
                        .filter(manifest -> manifest.pods().noneMatch(Pods::ofPeople))
                        .flatMap(WorkloadsTest::selector)
                        .map(Selected::wanted)
                        .toList());
    }

    /** With Kubernetes' default a lone worker that waits for Kafka, and so is not ready, would keep its node from being drained. */
    @Test
    void aPodThatIsNotReadyHoldsUpNoDrain() {
        assertThat(Manifest.all().flatMap(manifest -> manifest.as(PodDisruptionBudget.class)))
                .isNotEmpty()
                .allSatisfy(budget -> assertThat(budget.getSpec().getUnhealthyPodEvictionPolicy())
                        .isEqualTo("AlwaysAllow"));
    }

    /** A device is free only when the worker that has it is gone: a successor that comes first may wait for ever. */
    @Test
    void aWorkerWithADeviceGoesBeforeItsSuccessorComes() {
        assertThat(Manifest.all()
                        .flatMap(manifest -> manifest.as(Deployment.class))
                        .filter(deployment -> !devicesAskedFor(deployment).isEmpty())
                        .map(deployment -> deployment.getSpec().getStrategy()))
                .hasSize(2)
                .containsOnly(new DeploymentStrategyBuilder()
                        .withNewRollingUpdate()
                        .withNewMaxSurge(0)
                        .withNewMaxUnavailable(1)
                        .endRollingUpdate()
                        .build());
    }

    /** Pods that may not be are refused, and whoever applies their Deployment is told at once. */
    @Test
    void theNamespaceTakesRestrictedPodsOnly() {
        assertThat(Manifest.all().flatMap(manifest -> manifest.as(Namespace.class)))
                .singleElement()
                .satisfies(namespace -> assertThat(namespace.getMetadata().getLabels())
                        .containsEntry("pod-security.kubernetes.io/enforce", "restricted")
                        .containsEntry("pod-security.kubernetes.io/warn", "restricted"));
    }

    @Test
    void prometheusCallsWhatItFindsByTheNamesThatDashboardsAskFor() {
        List<PodMonitor> monitors = Manifest.all()
                .flatMap(manifest -> manifest.as(PodMonitor.class))
                .toList();

        assertThat(monitors).hasSize(2).allSatisfy(monitor -> {
            Map<String, String> wanted = monitor.spec().selector().getMatchLabels();
            Pods found = Pods.all()
                    .filter(pods -> pods.labels().entrySet().containsAll(wanted.entrySet()))
                    .findFirst()
                    .orElseThrow();
            PodMonitor.Endpoint endpoint = monitor.spec().podMetricsEndpoints().getFirst();
            assertThat(endpoint.port())
                    .isEqualTo(found.container().getPorts().getFirst().getName());
            assertThat(endpoint.relabelings())
                    .contains(new PodMonitor.Relabeling(
                            null,
                            "job",
                            WatchedPipeline.job(found.invocation().command().getFirst())));
        });
    }

    /** Names of what is counted whole: cards, not processors and memory. Patches ask for nothing. */
    private static List<String> devicesAskedFor(Deployment deployment) {
        return deployment.getSpec().getTemplate().getSpec().getContainers().stream()
                .map(Container::getResources)
                .filter(Objects::nonNull)
                .flatMap(resources -> resources.getLimits().keySet().stream())
                .filter(name -> name.contains("/"))
                .toList();
    }

    static Stream<Pods> stages() {
        return Pods.all().filter(Pods::ofStage);
    }

    static String devices(Pods pods) {
        List<String> command = pods.invocation().command();
        return command.get(command.indexOf("--devices") + 1);
    }

    private record Selected(Map<String, String> wanted, Map<String, String> labels) {}

    /** Patches select nothing. */
    private static Stream<Selected> selector(Manifest manifest) {
        return manifest.pods().flatMap(pods -> switch (manifest.resource()) {
            case Deployment it ->
                Stream.of(new Selected(it.getSpec().getSelector().getMatchLabels(), pods.labels()));
            case StatefulSet it ->
                Stream.of(new Selected(it.getSpec().getSelector().getMatchLabels(), pods.labels()));
            default -> Stream.empty();
        });
    }
}
