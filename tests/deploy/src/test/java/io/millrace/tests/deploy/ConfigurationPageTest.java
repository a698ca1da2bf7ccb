package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.cli.Main;
import io.millrace.worker.configuration.Setting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** The page of settings says what the code does, and the code knows every variable that something reads. */
final class ConfigurationPageTest {
    private static final Path PAGE = Repository.DEPLOY.resolve("CONFIGURATION.md");
    private static final String WRITE =
            "mvn -pl tests/deploy -am test -Dtest=ConfigurationPageTest -Dsurefire.failIfNoSpecifiedTests=false"
                    + " -Dmillrace.golden=write";

    /** Of one call, or of how a process lives; nobody would put them into a file. */
    private static final Set<String> NO_SETTINGS =
            Set.of("--help", "--version", "--verbose", "--output", "--config", "--print-config", "--with-parent");

    private static final Pattern VARIABLE = Pattern.compile("\\bMILLRACE_[A-Z_0-9]*[A-Z0-9]\\b");

    @Test
    void thePageIsWhatTheCodeSays() throws IOException {
        String text = ConfigurationPage.text(WRITE);
        if ("write".equals(System.getProperty("millrace.golden"))) {
            Files.writeString(PAGE, text);
        }

        assertThat(Files.readString(PAGE))
                .as("deploy/CONFIGURATION.md differs from the code; write it anew: %s", WRITE)
                .isEqualTo(text);
    }

    @Test
    void everyOptionOfAServiceIsASetting() {
        for (String service : List.of("conductor", "pruner", "distiller", "quantizer", "benchmarker")) {
            CommandLine command = Objects.requireNonNull(
                    Main.commandLine(Map.of()).getSubcommands().get(service), service);

            assertThat(command.getCommandSpec().options())
                    .filteredOn(option -> Setting.of(option).isEmpty())
                    .extracting(OptionSpec::longestName)
                    .as(service)
                    .isSubsetOf(NO_SETTINGS);
        }
    }

    @Test
    void everyVariableThatIsReadIsKnown() throws IOException {
        Set<String> read = new TreeSet<>();
        for (String place :
                List.of("services", "deploy", "docker-compose.yml", "millrace", "README.md", "CONTRIBUTING.md")) {
            read.addAll(variables(Repository.ROOT.resolve(place)));
        }

        assertThat(read).hasSizeGreaterThan(10);
        assertThat(ConfigurationPage.variableNames()).containsAll(read);
    }

    private static Set<String> variables(Path place) throws IOException {
        try (Stream<Path> files = Files.walk(place)) {
            List<Path> written = files.filter(Files::isRegularFile)
                    .filter(file -> !file.toString().contains("/target/"))
                    .filter(file -> !file.toString().contains("/src/test/"))
                    .filter(file ->
                            file.toString().matches(".*(\\.java|\\.xml|\\.md|\\.ya?ml|\\.sh|Dockerfile|/millrace)"))
                    .toList();
            Set<String> variables = new TreeSet<>();
            for (Path file : written) {
                VARIABLE.matcher(Files.readString(file)).results().forEach(found -> variables.add(found.group()));
            }
            return variables;
        }
    }
}
