package io.millrace.tests.deploy;

import io.millrace.cli.Main;
import io.millrace.worker.configuration.OtherVariable;
import io.millrace.worker.configuration.Setting;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.StringJoiner;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** {@code deploy/CONFIGURATION.md} as the command tree says it. */
final class ConfigurationPage {
    private static final String TEXT = """
            # Settings

            This page is written from the code: `{command}`.

            A setting has one name: `--topic-prefix` on the command line, `MILLRACE_TOPIC_PREFIX` in the environment,
            `topic-prefix:` in the file that `--config` or `MILLRACE_CONFIG` names. The command line counts first, then the
            environment, then the file, then the default. A variable that is empty counts as not there. One file serves all
            services, in YAML:

            ```yaml
            kafka: broker-1:9093,broker-2:9093
            kafka-config: /etc/millrace/kafka.properties
            store: s3://models/millrace
            devices: [cpu, h100]
            ```

            Paths count from where the command is started. A key that is no setting, and a variable that begins with
            `MILLRACE_` and that nothing reads, end the command with exit code 2 and the nearest name that is known. Variables
            that Kubernetes makes of a service called `millrace` are left alone. `--print-config` shows each setting and where it
            comes from, with secrets hidden.

            ## Settings of services, and of commands that speak to Kafka

            {settings}
            ## Kafka's own settings

            `kafka-config` names a file of Kafka's client properties, as Kafka's own tools take it. Every client of the process gets
            them: TLS, SASL and all else. A name that no client knows is an error. A secret stays in a file of its own by Kafka's config
            providers:

            ```properties
            security.protocol=SASL_SSL
            ssl.truststore.type=PEM
            ssl.truststore.location=/etc/millrace/ca.pem
            sasl.mechanism=SCRAM-SHA-512
            config.providers=dir
            config.providers.dir.class=org.apache.kafka.common.config.provider.DirectoryConfigProvider
            sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\
              username="quantizer" password="${dir:/run/secrets/kafka:password}";
            ```

            Settings of Kafka Streams are refused there: the conductor makes them itself, since its promises rest on them (each state,
            its jobs and its place in the input are one transaction). What is yours to choose has an option: `--state`, `--threads`,
            `--replication`, `--topic-prefix`. There are no standby replicas: a conductor that takes over reads the state from Kafka.

            The file `/run/secrets/kafka/password` holds the password and nothing else, no line break either. Credentials of S3 come from
            where the AWS SDK looks for them: variables, a web identity, a profile, or the machine's role.

            ## Variables that are no settings

            {variables}
            OpenTelemetry's own variables say where traces go; `OTEL_EXPORTER_OTLP_ENDPOINT` turns them on.
            """;

    private ConfigurationPage() {}

    static String text(String command) {
        return TEXT.replace("{command}", command)
                .replace("{settings}", settings())
                .replace("{variables}", variables());
    }

    /** All variables that something reads. */
    static Set<String> variableNames() {
        return Stream.concat(
                        Arrays.stream(Setting.values()).map(Setting::variable),
                        Arrays.stream(OtherVariable.values()).map(OtherVariable::variable))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static String settings() {
        StringBuilder table = new StringBuilder("| setting | default | meaning | of |\n|---|---|---|---|\n");
        for (Setting setting : Setting.values()) {
            users(setting)
                    .forEach((said, commands) -> table.append("| `%s` | %s | %s | %s |%n"
                            .formatted(setting.key(), said.standard(), said.meaning(), commands)));
        }
        return table.toString();
    }

    private static String variables() {
        return Arrays.stream(OtherVariable.values())
                .map(variable -> "| `%s` | %s |%n".formatted(variable.variable(), variable.meaning()))
                .collect(Collectors.joining("", "| variable | meaning |\n|---|---|\n", ""));
    }

    /** What commands say of the setting; most say the same. */
    private static Map<Said, StringJoiner> users(Setting setting) {
        Map<Said, StringJoiner> users = new LinkedHashMap<>();
        collect(Main.commandLine(Map.of()), setting, users);
        return users;
    }

    private static void collect(CommandLine line, Setting setting, Map<Said, StringJoiner> users) {
        for (OptionSpec option : line.getCommandSpec().options()) {
            if (Setting.of(option).equals(Optional.of(setting))) {
                users.computeIfAbsent(Said.of(option), _ -> new StringJoiner(", "))
                        .add(line.getCommandSpec().qualifiedName().replaceFirst("^millrace ", ""));
            }
        }
        line.getSubcommands().values().forEach(command -> collect(command, setting, users));
    }

    private record Said(String standard, String meaning) {
        static Said of(OptionSpec option) {
            Object standard = option.defaultValue() == null ? option.initialValue() : option.defaultValue();
            String meaning = String.join(" ", option.description()).replace(" (default: " + standard + ")", "");
            return new Said(
                    option.required() ? "needed" : written(standard), meaning.endsWith(".") ? meaning : meaning + ".");
        }

        private static String written(@Nullable Object value) {
            return switch (value) {
                case null -> "–";
                case Collection<?> many ->
                    many.stream().map(one -> "`" + one + "`").collect(Collectors.joining(", "));
                case Object one ->
                    "`" + one.toString().replace(System.getProperty("java.io.tmpdir"), "(temporary folder)") + "`";
            };
        }
    }
}
