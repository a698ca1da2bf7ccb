package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Probe;
import io.fabric8.kubernetes.api.model.Quantity;
import io.millrace.worker.WorkerSettings;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The pods on Kubernetes run commands of the product, with what it reads and writes, and may do nothing else. */
final class PodsTest {
    /** After which every service has stopped by itself, whatever hangs. */
    static final Duration LONGEST_STOP = Duration.ofSeconds(45);

    /**
     * On a node whose processors are all taken a conductor needed 105 s, and a kubelet counts failures on when a service that waits
     * for its topics ends and is started again.
     */
    private static final Duration SLOWEST_START = Duration.ofMinutes(5);

    /** Those that the code reads, and those that the AWS SDK reads. */
    private static final Set<String> READ = Stream.concat(
                    ConfigurationPage.variableNames().stream(), Stream.of("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
            .collect(Collectors.toUnmodifiableSet());

    private static final Pattern EXECUTED =
            Pattern.compile("exec (-i )?deploy/operator -- /opt/millrace/millrace ([^`<]+)");

    static Stream<Pods> pods() {
        return Pods.all();
    }

    static Stream<Pods> services() {
        return commands().filter(pods -> !pods.owner().name().equals("topics"));
    }

    static Stream<Pods> commands() {
        return pods().filter(pods -> !pods.ofPeople());
    }

    @ParameterizedTest
    @MethodSource("commands")
    void theCommandIsOneOfTheProductAndEveryVariableIsRead(Pods pods) {
        assertThat(pods.invocation().parsed().hasSubcommand()).isTrue();
        assertThat(pods.environment().keySet()).hasSizeGreaterThan(4).isSubsetOf(READ);
    }

    /** What the product takes from its variables is all that a command needs; the README's say so. */
    @Test
    void peopleNeedNoOptionForKafkaAndStore() {
        Pods operator = pods().filter(Pods::ofPeople).findFirst().orElseThrow();
        List<List<String>> commands = EXECUTED.matcher(Repository.text(Repository.DEPLOY.resolve("README.md")))
                .results()
                .map(command -> List.of(command.group(2).strip().split("\\s+")))
                .toList();

        assertThat(commands)
                .hasSizeGreaterThan(2)
                .allSatisfy(command -> assertThat(new Invocation("README", command, operator.environment())
                                .parsed()
                                .subcommand())
                        .isNotNull());
        assertThat(operator.environment().keySet())
                .isSubsetOf(READ)
                .contains("MILLRACE_KAFKA", "MILLRACE_KAFKA_CONFIG");
    }

    /** A policy names its texts by where they lie beside it. Ubuntu's tar unpacks them; a smaller base has none. */
    @Test
    void aPolicyComesInWithItsTextsBesideIt() {
        String readme = Repository.text(Repository.DEPLOY.resolve("README.md"));
        Matcher brought = Pattern.compile(
                        "`tar c (\\S+) (\\S+\\.txt) \\| kubectl -n millrace exec -i deploy/operator -- tar x -C (\\S+)`")
                .matcher(readme);

        assertThat(brought.find()).isTrue();
        assertThat(readme).contains("policy apply " + brought.group(3) + "/" + brought.group(1) + "`");
        assertThat(pods().filter(Pods::ofPeople).flatMap(pods -> pods.writable().stream()))
                .contains(brought.group(3));
        assertThat(Repository.text(Repository.DEPLOY.resolve("docker/Dockerfile")))
                .containsPattern("\nFROM eclipse-temurin:\\S+-jdk-noble\n");
    }

    @ParameterizedTest
    @MethodSource("pods")
    void theyMayDoNothingButTheirWork(Pods pods) {
        Container container = pods.container();

        assertThat(pods.spec().getAutomountServiceAccountToken()).isFalse();
        assertThat(pods.spec().getSecurityContext().getRunAsNonRoot()).isTrue();
        assertThat(Repository.text(Repository.DEPLOY.resolve("docker/Dockerfile")))
                .contains("\nUSER " + pods.spec().getSecurityContext().getRunAsUser() + ":"
                        + pods.spec().getSecurityContext().getRunAsGroup() + "\n");
        assertThat(pods.spec().getSecurityContext().getSeccompProfile().getType())
                .isEqualTo("RuntimeDefault");
        assertThat(container.getSecurityContext().getAllowPrivilegeEscalation()).isFalse();
        assertThat(container.getSecurityContext().getReadOnlyRootFilesystem()).isTrue();
        assertThat(container.getSecurityContext().getCapabilities().getDrop()).containsExactly("ALL");
    }

    /** Without a limit a JVM would start threads for every processor of the node. */
    @ParameterizedTest
    @MethodSource("pods")
    void memoryIsWhatIsAskedForAndTheImageIsOfThisProject(Pods pods) {
        Map<String, Quantity> requests = pods.container().getResources().getRequests();
        Map<String, Quantity> limits = pods.container().getResources().getLimits();

        assertThat(requests).containsOnlyKeys("cpu", "memory");
        assertThat(limits).containsKey("cpu").containsEntry("memory", requests.get("memory"));
        assertThat(pods.container().getImage())
                .isEqualTo(limits.containsKey("nvidia.com/gpu") ? "millrace-cuda" : "millrace");
    }

    /** The last line of a command says why it ended; without this, who describes the pod reads an exit code only. */
    @ParameterizedTest
    @MethodSource("commands")
    void whyACommandEndedIsReadFromItsPod(Pods pods) {
        assertThat(pods.container().getTerminationMessagePolicy()).isEqualTo("FallbackToLogsOnError");
    }

    @ParameterizedTest
    @MethodSource("services")
    void healthIsAskedForAtThePortThatTheServiceOpens(Pods pods) {
        Container container = pods.container();

        assertThat(container.getPorts())
                .singleElement()
                .satisfies(port -> assertThat(port.getContainerPort())
                        .hasToString(pods.invocation().port()));
        assertThat(path(container.getStartupProbe())).isEqualTo("/livez");
        assertThat(path(container.getLivenessProbe())).isEqualTo("/livez");
        assertThat(path(container.getReadinessProbe())).isEqualTo("/readyz");
    }

    /** A service waits for Kafka before it opens its port, and ends by itself where Kafka does not come. */
    @ParameterizedTest
    @MethodSource("services")
    void theyHaveTimeToStartAndToStop(Pods pods) {
        Probe start = pods.container().getStartupProbe();
        WorkerSettings.Limits limits = WorkerSettings.Limits.DEFAULT;

        assertThat(Duration.ofSeconds((long) start.getPeriodSeconds() * start.getFailureThreshold()))
                .isGreaterThan(limits.start().plusSeconds(30))
                .isGreaterThanOrEqualTo(SLOWEST_START);
        assertThat(Duration.ofSeconds(pods.spec().getTerminationGracePeriodSeconds()))
                .isGreaterThan(LONGEST_STOP)
                .isGreaterThan(limits.interrupt().multipliedBy(2));
    }

    private static String path(Probe probe) {
        assertThat(probe.getHttpGet().getPort().getStrVal()).isEqualTo("management");
        return probe.getHttpGet().getPath();
    }
}
