package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.kafka.server.config.AbstractKafkaConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** docker-compose.yml says nothing that nobody reads, and leaves nothing out that keeps a machine well. */
final class ComposeTest {
    private static final List<List<String>> ASKING =
            List.of(List.of("CMD", "wget"), List.of("CMD", "bash"), List.of("CMD", "/opt/millrace/ready"));

    @TempDir
    Path folder;

    static Stream<ComposeService> services() {
        return ComposeService.all();
    }

    @ParameterizedTest
    @MethodSource("services")
    void everyServiceIsPinnedBoundedAndWatched(ComposeService service) {
        assertThat(service.text("image")).matches("[\\w./-]+:(v?\\d+(\\.\\d+)+|cpu|cuda)");
        assertThat(service.text("restart")).isIn("unless-stopped", "on-failure", "no");
        assertThat(service.text("cpus")).matches("\\d+");
        assertThat(service.text("mem_limit")).matches("\\d+[mg]");
        assertThat(service.part("logging").get("driver")).isEqualTo("json-file");
        assertThat(service.part("healthcheck"))
                .containsAnyOf(Map.entry("disable", true), Map.entry("retries", 6), Map.entry("retries", 12));
        assertThat(service.list("ports")).allMatch(port -> port.startsWith("127.0.0.1:"));
    }

    /** Docker asks every few seconds for ever; what starts a JVM for it takes more than the service that it asks. */
    @ParameterizedTest
    @MethodSource("services")
    void asksForHealthWithoutStartingAJvm(ComposeService service) {
        if (service.part("healthcheck").get("test") instanceof List<?> command) {
            assertThat(command.subList(0, 2)).isIn(ASKING);
        }
    }

    @Test
    void whateverRunsOnLogsInJson() {
        assertThat(ComposeService.ofMillrace()
                        .filter(service -> service.text("restart").equals("unless-stopped")))
                .hasSize(6)
                .allSatisfy(service -> assertThat(service.environment()).containsEntry("MILLRACE_LOG_JSON", "true"));
    }

    /** An override of the store for a bucket counts for commands, too, since none of them names the folder. */
    @Test
    void commandsFindKafkaAndTheStoreOfTheStages() {
        ComposeService command = service("millrace");

        assertThat(command.command()).noneMatch(word -> word.startsWith("--"));
        assertThat(service("quantizer").environment()).containsAllEntriesOf(command.environment());
        assertThat(command.environment()).containsOnlyKeys("MILLRACE_KAFKA", "MILLRACE_STORE");
    }

    private static ComposeService service(String name) {
        return services()
                .filter(service -> service.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    @ParameterizedTest
    @MethodSource("services")
    void noSecretStandsInTheFile(ComposeService service) {
        assertThat(service.environment().keySet())
                .noneMatch(name -> name.matches(".*(PASSWORD|SECRET|TOKEN|ACCESS_KEY|JAAS).*"));
    }

    @Test
    void servicesOfMillraceMayDoNothingButTheirWork() {
        assertThat(ComposeService.ofMillrace()).hasSize(8).allSatisfy(service -> {
            assertThat(service.settings()).containsEntry("read_only", true);
            assertThat(service.list("cap_drop")).containsExactly("ALL");
            assertThat(service.list("security_opt")).containsExactly("no-new-privileges:true");
        });
    }

    /** Two that build one name at once fail on a machine that lacks it, and all others find what one has built. */
    @Test
    void eachImageOfMillraceIsBuiltByOneServiceAndPulledByNone() {
        List<ComposeService> ours = services()
                .filter(service -> service.text("image").startsWith("millrace:"))
                .toList();

        assertThat(ours).extracting(service -> service.text("pull_policy")).containsOnly("never");
        assertThat(ours.stream()
                        .filter(service -> !service.part("build").isEmpty())
                        .map(service -> service.text("image")))
                .containsExactlyInAnyOrderElementsOf(ours.stream()
                        .map(service -> service.text("image"))
                        .distinct()
                        .toList());
    }

    @Test
    void everyVolumeIsNamedAndUsedAndEveryFileIsThere() {
        List<String> sources = services()
                .flatMap(service -> service.list("volumes").stream())
                .map(volume -> volume.startsWith("${") ? "" : volume.split(":", -1)[0])
                .filter(source -> !source.isEmpty())
                .distinct()
                .toList();

        assertThat(sources.stream().filter(source -> source.startsWith("./")))
                .isNotEmpty()
                .allSatisfy(
                        source -> assertThat(Repository.ROOT.resolve(source)).matches(Files::exists));
        assertThat(sources.stream().filter(source -> !source.startsWith("./")))
                .containsExactlyInAnyOrderElementsOf(ComposeService.volumes());
    }

    /** A folder that an image declares as a volume and nothing is mounted at gets one that {@code down} leaves behind. */
    @Test
    void noContainerLeavesAVolumeWithoutAName() {
        assertThat(Repository.text(Repository.DEPLOY.resolve("docker/Dockerfile"))
                        .lines())
                .noneMatch(line -> line.startsWith("VOLUME"));
        assertThat(ComposeService.kafka().mounted())
                .contains("/etc/kafka/secrets", "/var/lib/kafka/data", "/mnt/shared/config");
    }

    /** Their root is read-only, and natives, a cache of a bucket and what works go on with outlive a container. */
    @Test
    void whateverMillraceWritesLiesOnAVolumeWithAName() {
        assertThat(ComposeService.ofMillrace().filter(service -> !service.name().equals("topics")))
                .hasSize(7)
                .allSatisfy(service -> assertThat(service.list("volumes"))
                        .filteredOn(volume -> volume.endsWith(":/var/lib/millrace"))
                        .singleElement()
                        .satisfies(
                                volume -> assertThat(ComposeService.volumes()).contains(volume.split(":", -1)[0])));
    }

    @Test
    void theFileFollowsTheComposeSpecification() throws Exception {
        OperationsTool checker = OperationsTool.orSkip("check-jsonschema");

        assertThat(checker.run(
                        folder,
                        "--builtin-schema",
                        "vendor.compose-spec",
                        Repository.ROOT.resolve("docker-compose.yml").toString()))
                .startsWith("0\n");
    }

    @Test
    void theBrokerKnowsEachOfItsSettings() {
        assertThat(ComposeService.kafka().environment().keySet().stream()
                        .filter(name -> !name.equals(ComposeLimitsTest.HEAP_OF_THE_BROKER))
                        .map(name -> name.replaceFirst("^KAFKA_", "")
                                .toLowerCase(Locale.ROOT)
                                .replace('_', '.')))
                .isSubsetOf(AbstractKafkaConfig.CONFIG_DEF.names());
    }

    @Test
    void theBrokerKeepsItsRecordsOnItsVolume() {
        assertThat(ComposeService.kafka().list("volumes"))
                .containsExactly("kafka:" + ComposeService.kafka().environment().get("KAFKA_LOG_DIRS"));
    }

    /** Conditional writes of SeaweedFS are atomic since 4.18; its image changes users if it is started as root. */
    @Test
    void theS3ServerKeepsConditionsAndNeedsNoRights() {
        ComposeService server = service("seaweedfs");
        String[] version = server.text("image").replaceFirst(".*:", "").split("\\.", -1);

        assertThat(100 * Integer.parseInt(version[0]) + Integer.parseInt(version[1]))
                .isGreaterThanOrEqualTo(418);
        assertThat(server.list("cap_drop")).containsExactly("ALL");
        assertThat(server.text("user")).matches("[1-9]\\d*:[1-9]\\d*");
    }

    /** The folder that the README tells to make, which may hold many gigabytes. */
    @Test
    void checkpointsAreNeitherSentToTheBuildNorCommitted() {
        assertThat(services().flatMap(service -> service.list("volumes").stream()))
                .contains("${MILLRACE_CHECKPOINTS:-./checkpoints}:/checkpoints:ro");
        assertThat(Repository.text(Repository.ROOT.resolve(".dockerignore")).lines())
                .contains("checkpoints");
        assertThat(Repository.text(Repository.ROOT.resolve(".gitignore")).lines())
                .contains("/checkpoints/");
    }

    /** One with a slip of the pen would be ignored without a word. */
    @Test
    void everyVariableIsReadBySomebody() {
        assertThat(ComposeService.ofMillrace().flatMap(service -> service.environment().keySet().stream()))
                .hasSizeGreaterThan(4)
                .isSubsetOf(ConfigurationPage.variableNames());
    }
}
