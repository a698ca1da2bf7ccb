package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import java.math.BigDecimal;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** A pod that asks for more than its nodes have left stays Pending, so the README says what is asked for. */
final class NodesTest {
    private static final BigDecimal GIB = BigDecimal.valueOf(1L << 30);

    @Test
    void theReadmeSaysWhatThePodsAskFor() {
        assertThat(Repository.text(Repository.DEPLOY.resolve("README.md")).replaceAll("\\s+", " "))
                .contains("nodes that have " + all("cpu").toPlainString() + " CPUs and "
                        + all("memory").divide(GIB).toPlainString() + " GiB left for `overlays/folder`")
                .contains("for each GPU worker of `overlays/gpu` " + ofOneGpuWorker("cpu") + " CPUs, "
                        + ofOneGpuWorker("memory").divide(GIB) + " GiB and a GPU");
    }

    private static BigDecimal all(String resource) {
        return Pods.all()
                .filter(pods -> pods.owner().where().startsWith("base"))
                .map(pods -> asked(pods, resource).multiply(BigDecimal.valueOf(replicas(pods))))
                .reduce(BigDecimal.ZERO, BigDecimal::add)
                .stripTrailingZeros();
    }

    private static BigDecimal ofOneGpuWorker(String resource) {
        return Pods.all()
                .filter(pods -> pods.owner().where().startsWith("h100"))
                .map(pods -> asked(pods, resource))
                .reduce(BigDecimal.ZERO, BigDecimal::max);
    }

    private static BigDecimal asked(Pods pods, String resource) {
        Quantity quantity = pods.container().getResources().getRequests().get(resource);
        return Objects.requireNonNull(quantity, pods.toString()).getNumericalAmount();
    }

    private static int replicas(Pods pods) {
        return pods.owner()
                .as(StatefulSet.class)
                .map(set -> set.getSpec().getReplicas())
                .findFirst()
                .orElse(1);
    }
}
