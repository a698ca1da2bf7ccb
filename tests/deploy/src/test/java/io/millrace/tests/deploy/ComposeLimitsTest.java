package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/** The whole of docker-compose.yml starts on a machine of two processors, and stops in order. */
final class ComposeLimitsTest {
    /** Read by the script that starts Kafka; every other variable of its image is a setting. */
    static final String HEAP_OF_THE_BROKER = "KAFKA_HEAP_OPTS";

    /** Beside its heap a broker needs memory for buffers, classes and threads. */
    @Test
    void theHeapOfTheBrokerIsHalfOfItsMemoryAtMost() {
        String heap = String.valueOf(ComposeService.kafka().environment().get(HEAP_OF_THE_BROKER));

        assertThat(heap).matches("-Xmx\\d+[mg]");
        assertThat(2 * bytes(heap.substring("-Xmx".length())))
                .isLessThanOrEqualTo(bytes(ComposeService.kafka().text("mem_limit")));
    }

    /** Docker starts no container with a limit above the processors of the machine. */
    @Test
    void theReadmeSaysHowMuchMachineTheWholeNeeds() {
        String readme = Repository.text(Repository.DEPLOY.resolve("README.md")).replaceAll("\\s+", " ");
        long memory = ComposeService.all()
                .filter(service -> service.list("profiles").isEmpty())
                .mapToLong(service -> bytes(service.text("mem_limit")))
                .sum();

        assertThat(readme).contains("Two CPUs are needed, four with `--profile gpu`");
        assertThat(ComposeService.all())
                .allSatisfy(service -> assertThat(Integer.parseInt(service.text("cpus")))
                        .isLessThanOrEqualTo(service.list("profiles").contains("gpu") ? 4 : 2));
        assertThat(readme).contains("the whole would take " + memory / (1L << 30) + " GiB, without the profiles");
    }

    @Test
    void servicesHaveTimeToStop() {
        assertThat(ComposeService.ofMillrace())
                .allSatisfy(service -> assertThat(Duration.parse(
                                "PT" + service.text("stop_grace_period").toUpperCase(Locale.ROOT)))
                        .isGreaterThan(PodsTest.LONGEST_STOP));
    }

    /** Of {@code 512m} or {@code 1g}. */
    private static long bytes(String size) {
        long number = Long.parseLong(size.substring(0, size.length() - 1));
        return number << (size.endsWith("g") ? 30 : 20);
    }
}
