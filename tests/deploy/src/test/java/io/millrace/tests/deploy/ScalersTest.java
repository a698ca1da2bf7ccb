package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.StageName;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** KEDA asks about the queues of the workers that it scales, and ends none that works. */
final class ScalersTest {
    private static final Pattern SELECTOR = Pattern.compile("\\{[^}]*}");
    private static final Map<String, StageName> STAGES = Map.of(
            "pruner", StageName.PRUNE,
            "distiller", StageName.DISTILL,
            "quantizer", StageName.QUANTIZE,
            "benchmarker", StageName.BENCHMARK);

    static Stream<ScaledObject> scalers() {
        return ScaledObject.all();
    }

    @Test
    void everyDeploymentIsScaledByOne() {
        assertThat(scalers().map(scaler -> scaler.spec().scaleTargetRef().name()))
                .containsExactlyInAnyOrderElementsOf(
                        WorkloadsTest.stages().map(pods -> pods.owner().name()).toList());
    }

    @ParameterizedTest
    @MethodSource("scalers")
    void itAsksAboutTheQueueOfItsWorkers(ScaledObject scaler) {
        Pods workers = WorkloadsTest.stages()
                .filter(pods -> pods.owner()
                        .name()
                        .equals(scaler.spec().scaleTargetRef().name()))
                .findFirst()
                .orElseThrow();
        String stage = Objects.requireNonNull(
                        STAGES.get(workers.invocation().command().getFirst()))
                .wireName();

        assertThat(scaler.queries())
                .isNotEmpty()
                .allSatisfy(query -> assertThat(
                                SELECTOR.matcher(query.expression()).results().map(MatchResult::group))
                        .isNotEmpty()
                        .isSubsetOf(
                                "{stage=\"" + stage + "\",device=\"" + WorkloadsTest.devices(workers) + "\"}",
                                "{service=\"" + workers.owner().name() + "\"}"));
    }

    /** A job that runs waits no more, so its age alone would end its worker; and no answer is not the answer zero. */
    @Test
    void workersThatMayAllGoStayUntilTheQueueIsEmpty() {
        assertThat(scalers().filter(scaler -> scaler.spec().minReplicaCount() == 0))
                .hasSize(2)
                .allSatisfy(scaler -> {
                    assertThat(scaler.spec()
                                    .advanced()
                                    .horizontalPodAutoscalerConfig()
                                    .behavior()
                                    .getScaleDown()
                                    .getSelectPolicy())
                            .isEqualTo("Disabled");
                    assertThat(scaler.spec().triggers().stream()
                                    .filter(trigger ->
                                            "false".equals(trigger.metadata().ignoreNullValues()))
                                    .map(trigger -> trigger.metadata().query())
                                    .collect(Collectors.toList()))
                            .singleElement()
                            .asString()
                            .startsWith("max(millrace_queue_lag{");
                });
    }

    /** A job that runs waits no more: without the second question its worker would be one too many. */
    @Test
    void workersThatNeverAllGoAreNotFewerThanThoseThatWork() {
        assertThat(scalers().filter(scaler -> scaler.spec().minReplicaCount() > 0))
                .hasSize(4)
                .allSatisfy(scaler -> assertThat(scaler.spec().triggers().stream()
                                .filter(trigger ->
                                        trigger.metadata().threshold().equals("1"))
                                .map(trigger -> trigger.metadata().query()))
                        .containsExactly("sum(millrace_worker_slots_busy{service=\""
                                + scaler.spec().scaleTargetRef().name() + "\"})"));
    }

    /** An empty answer without this is zero, and no worker would be needed while nobody can say. */
    @Test
    void eachHasAQuestionThatOnlyAConductorAnswers() {
        assertThat(scalers())
                .allSatisfy(scaler -> assertThat(scaler.spec().triggers().stream()
                                .map(ScaledObject.Trigger::metadata)
                                .filter(trigger -> "false".equals(trigger.ignoreNullValues()))
                                .map(ScaledObject.Prometheus::query))
                        .singleElement()
                        .asString()
                        .contains("millrace_queue_lag{")
                        .doesNotContain("vector("));
    }

    /** KEDA's admission warns of it elsewhere: the autoscaler of Kubernetes asks in its own time. */
    @Test
    void onlyWhereAllMayGoKedaItselfAsks() {
        assertThat(scalers())
                .allSatisfy(scaler -> assertThat(scaler.spec().pollingInterval() != null)
                        .isEqualTo(scaler.spec().minReplicaCount() == 0));
    }

    /** MillraceWorkerDown takes it for a failure if none is left of a service that this pattern names. */
    @Test
    void onlyWorkersThatNeverAllGoAreMissed() {
        Alert alert = Alert.all()
                .filter(one -> one.name().equals("MillraceWorkerDown"))
                .findFirst()
                .orElseThrow();
        Matcher services = Pattern.compile("service=~\"([^\"]+)\"")
                .matcher(alert.json().get("expr").asText());
        assertThat(services.find()).isTrue();
        Predicate<String> missed = Pattern.compile(services.group(1)).asMatchPredicate();

        assertThat(scalers())
                .allSatisfy(scaler -> assertThat(
                                missed.test(scaler.spec().scaleTargetRef().name()))
                        .isEqualTo(scaler.spec().minReplicaCount() > 0));
        assertThat(ComposeService.ofMillrace()
                        .filter(service -> STAGES.containsKey(service.command().getFirst())))
                .hasSize(5)
                .allSatisfy(service -> assertThat(missed.test(service.name()))
                        .isEqualTo(service.list("profiles").isEmpty()));
    }
}
