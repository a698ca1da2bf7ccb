package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.cli.ProductCommands;
import io.millrace.worker.configuration.Setting;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/** The commands of the containers are those of the product, and Prometheus asks at the ports that they open. */
final class ServiceOptionsTest {
    private static final String PORT = "--management-port";

    static Stream<ComposeService> services() {
        return ComposeService.ofMillrace();
    }

    @ParameterizedTest
    @MethodSource("services")
    void theCommandIsOneOfTheProduct(ComposeService service) {
        ParseResult parsed = parsed(service);

        assertThat(parsed.hasSubcommand()).isTrue();
    }

    @Test
    void prometheusFindsEveryServiceAtItsPort() throws IOException {
        JsonNode jobs = Repository.yaml(Repository.DEPLOY.resolve("prometheus/prometheus.yml"))
                .get("scrape_configs");

        TreeSet<String> scraped = new TreeSet<>();
        for (JsonNode job : jobs) {
            JsonNode discovery = job.get("dns_sd_configs").get(0);
            discovery
                    .get("names")
                    .forEach(name -> scraped.add(job.get("job_name").asText() + " " + name.asText() + ":"
                            + discovery.get("port").asText()));
        }

        assertThat(scraped)
                .isEqualTo(services()
                        .filter(service -> service.part("healthcheck").containsKey("test"))
                        .map(service ->
                                WatchedPipeline.job(service.name()) + " " + service.name() + ":" + port(service))
                        .collect(Collectors.toCollection(TreeSet::new)));
        assertThat(Files.readString(Repository.DEPLOY.resolve("docker/Dockerfile")))
                .contains("\nEXPOSE 9464\n");
    }

    @Test
    void healthIsAskedForAtTheSamePort() {
        assertThat(services().filter(service -> service.part("healthcheck").containsKey("test")))
                .hasSize(6)
                .allSatisfy(service -> assertThat(service.part("healthcheck").get("test"))
                        .isEqualTo(List.of("CMD", "/opt/millrace/ready", port(service))));
    }

    private static String port(ComposeService service) {
        return String.valueOf(parsed(service).subcommand().<Object>matchedOptionValue(PORT, ""));
    }

    /** The variables of a container count as the options that they stand for. */
    private static ParseResult parsed(ComposeService service) {
        CommandLine tree = ProductCommands.tree();
        List<String> arguments = new ArrayList<>(service.command());
        CommandLine command = Objects.requireNonNull(tree.getSubcommands().get(arguments.getFirst()), service.name());
        for (OptionSpec option : command.getCommandSpec().options()) {
            service.environment().forEach((name, value) -> {
                if (standsFor(name, option) && !arguments.contains(option.longestName())) {
                    arguments.add(option.longestName() + "=" + value);
                }
            });
        }
        return tree.parseArgs(arguments.toArray(String[]::new));
    }

    private static boolean standsFor(String variable, OptionSpec option) {
        return Setting.of(option)
                .filter(setting -> setting.variable().equals(variable))
                .isPresent();
    }
}
