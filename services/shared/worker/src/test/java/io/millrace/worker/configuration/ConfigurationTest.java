package io.millrace.worker.configuration;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

class ConfigurationTest {
    @TempDir
    Path folder;

    private final Service service = new Service();
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void commandLineBeatsEnvironmentBeatsFileBeatsDefault() throws IOException {
        Path file = file("kafka: file:1\nstore: /of/file\nslots: 3\ndevices: [h100, cpu]\nstate: /of/others\n");
        Map<String, String> environment =
                Map.of("MILLRACE_CONFIG", file.toString(), "MILLRACE_KAFKA", "variable:1", "MILLRACE_SLOTS", "2");

        assertThat(run(environment, "--slots", "1")).as(err.toString()).isZero();

        assertThat(service.slots).isEqualTo(1);
        assertThat(service.kafka).isEqualTo("variable:1");
        assertThat(service.store).isEqualTo("/of/file");
        assertThat(service.devices).containsExactly("h100", "cpu");
        assertThat(service.prefix).isEqualTo("millrace.");
    }

    @Test
    void fileOfTheCommandLineBeatsThatOfTheEnvironmentAndAnEmptyVariableIsNone() throws IOException {
        Path file = file("store: /of/file\n");

        assertThat(run(Map.of("MILLRACE_CONFIG", "/nowhere", "MILLRACE_STORE", ""), "--config=" + file))
                .as(err.toString())
                .isZero();

        assertThat(service.store).isEqualTo("/of/file");
    }

    @Test
    void unknownKeyNamesFileLineAndTheNearest() throws IOException {
        Path file = file("# for all services\nkafka: file:1\nstroe: /srv\n");

        assertThat(run(Map.of(), "--config", file.toString())).isEqualTo(2);

        assertThat(err.toString()).contains(file + ":3: 'stroe' is no setting; did you mean 'store'?");
    }

    @Test
    void fileThatIsNoMapOfValuesIsRefusedWithItsLine() throws IOException {
        assertThat(failure("- kafka\n")).contains(":1: expected lines such as");
        assertThat(failure("store: /a\nstore: /b\n")).contains(":2: ").contains("store");
        assertThat(failure("store: /a\nkafka:\n")).contains(":2: 'kafka' has no value");
        assertThat(failure("store: /a\nkafka: {a: b}\n")).contains(":2: 'kafka' has no value");
        assertThat(failure("store: \"\n")).contains("not YAML");
        assertThat(failure("store: /a\n\tkafka: b\n")).contains(":2: not YAML", "Do not use \\t(TAB) for indentation");
        assertThat(run(Map.of(), "--config", "/nowhere.yaml")).isEqualTo(2);
        assertThat(err.toString()).contains("there is no file /nowhere.yaml of settings");
    }

    @Test
    void variableWithATypoNamesTheNearestAndThoseOfKubernetesAreNone() {
        assertThat(run(Map.of("MILLRACE_STROE", "/srv"), "--store", "/srv")).isEqualTo(2);
        assertThat(err.toString())
                .contains("nothing reads the environment variable MILLRACE_STROE; did you mean MILLRACE_STORE?");

        assertThat(run(
                        Map.of(
                                "MILLRACE_SERVICE_HOST", "10.0.0.1",
                                "MILLRACE_CONDUCTOR_PORT", "tcp://10.0.0.1:9464",
                                "MILLRACE_CONDUCTOR_PORT_9464_TCP_ADDR", "10.0.0.1",
                                "MILLRACE_CONDUCTOR_SERVICE_PORT_METRICS", "9464"),
                        "--store",
                        "/srv"))
                .as(err.toString())
                .isZero();
        assertThat(run(Map.of("MILLRACE_MANAGEMNT_PORT", "9464"), "--store", "/srv"))
                .isEqualTo(2);
    }

    @Test
    void aLogThatThereIsNotIsRefusedSinceItWouldBeNone() {
        assertThat(run(Map.of("MILLRACE_LOG_APPENDER", "json"), "--store", "/srv"))
                .isEqualTo(2);
        assertThat(err.toString())
                .contains("the environment variable MILLRACE_LOG_APPENDER is 'json' but must be TEXT or JSON");

        assertThat(run(Map.of("MILLRACE_LOG_APPENDER", "JSON"), "--store", "/srv"))
                .isZero();
    }

    @Test
    void valueOfTheWrongKindSaysWhereItStands() throws IOException {
        Path file = file("store: /srv\nslots: many\n");

        assertThat(run(Map.of(), "--config", file.toString())).isEqualTo(2);

        assertThat(err.toString()).contains("'many'").contains("it comes from " + file + ":2");
    }

    @Test
    void printConfigShowsWhereEachValueComesFromAndHidesSecrets() throws IOException {
        Path client = Files.writeString(
                folder.resolve("client.properties"),
                "security.protocol=SASL_SSL\n"
                        + "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required"
                        + " username=\"q\" password=\"hunter2\";\n"
                        + "ssl.truststore.password=hunter3\n"
                        + "config.providers=dir\n"
                        + "config.providers.dir.class=org.apache.kafka.common.config.provider.DirectoryConfigProvider\n"
                        + "ssl.key.password=${dir:/run/secrets:key}\n");
        Path file = file("kafka: file:1\nstore: s3://b?endpoint=https://me:hunter4@host\n");

        assertThat(run(
                        Map.of("MILLRACE_CONFIG", file.toString(), "MILLRACE_KAFKA_CONFIG", client.toString()),
                        "--slots=4",
                        "--print-config"))
                .as(err.toString())
                .isZero();

        assertThat(out.toString().lines().map(line -> line.replaceAll(" +", " ")))
                .contains(
                        "kafka file:1 " + file + ":1",
                        "store s3://b?endpoint=https://********@host " + file + ":2",
                        "slots 4 command line",
                        "topic-prefix millrace. default",
                        "kafka-config " + client + " MILLRACE_KAFKA_CONFIG",
                        "security.protocol SASL_SSL " + client + ":1",
                        "sasl.jaas.config ******** " + client + ":2",
                        "ssl.truststore.password ******** " + client + ":3",
                        "ssl.key.password ${dir:/run/secrets:key} " + client + ":6");
        assertThat(out.toString()).doesNotContain("hunter");
        assertThat(service.called).isFalse();
    }

    @Test
    void printConfigShowsWhatIsKnownWhereAnOptionIsMissing() {
        assertThat(run(Map.of("MILLRACE_SLOTS", "3"), "--print-config"))
                .as(err.toString())
                .isZero();

        assertThat(out.toString().lines().map(line -> line.replaceAll(" +", " ")))
                .contains("store - missing; the command needs it", "slots 3 MILLRACE_SLOTS");
        assertThat(service.called).isFalse();
        assertThat(run(Map.of("MILLRACE_STROE", "/srv"), "--print-config")).isEqualTo(2);
        assertThat(run(Map.of())).isEqualTo(2);
    }

    @Test
    void anOptionWithATypoIsNamedWhereThatLeavesOneMissing() {
        assertThat(run(Map.of(), "--stroe", "/srv")).isEqualTo(2);
        assertThat(err.toString()).contains("--stroe").doesNotContain("Missing");

        assertThat(run(Map.of(), "--stroe", "/srv", "--print-config")).isEqualTo(2);
        assertThat(err.toString()).contains("--stroe").doesNotContain("Missing");
    }

    @Test
    void aValueThatTheCommandItselfRefusesSaysWhereItStands() throws IOException {
        Path file = file("store: /srv\nslots: 0\ndevices: [cpu, CPU]\n");
        service.refusal = "--slots is 0, expected 1 to 64";
        assertThat(run(Map.of(), "--config", file.toString())).isEqualTo(2);
        assertThat(err.toString()).contains(service.refusal + "; it comes from " + file + ":2");

        service.refusal = "'CPU' is not a device class";
        assertThat(run(Map.of(), "--config", file.toString())).isEqualTo(2);
        assertThat(err.toString()).contains(service.refusal + "; it comes from " + file + ":3");

        run(Map.of(), "--config", file.toString(), "--devices", "CPU");
        assertThat(err.toString()).contains(service.refusal).doesNotContain("it comes from");
    }

    @Test
    void printConfigOfACommandThatPrintsJsonIsJson() throws IOException {
        assertThat(run(
                        Map.of("MILLRACE_KAFKA", "variable:1"),
                        "--store",
                        "s3://b?endpoint=https://key:hunter2@host",
                        "--output",
                        "json",
                        "--print-config"))
                .as(err.toString())
                .isZero();

        JsonNode settings = new ObjectMapper().readTree(out.toString());
        assertThat(settings)
                .contains(
                        line("kafka", "variable:1", "MILLRACE_KAFKA"),
                        line("store", "s3://b?endpoint=https://********@host", "command line"),
                        line("slots", "1", "default"),
                        line("kafka-config", null, "default"));
    }

    private static JsonNode line(String setting, @Nullable String value, String source) {
        return new ObjectMapper()
                .createObjectNode()
                .put("setting", setting)
                .put("value", value)
                .put("source", source);
    }

    @Test
    void aSettingOfKafkaStreamsIsRefusedWithWhatToUseInstead() throws IOException {
        Path client = Files.writeString(folder.resolve("client.properties"), "state.dir=/fast\n");

        assertThat(run(Map.of(), "--store", "/srv", "--print-config", "--kafka-config", client.toString()))
                .isEqualTo(2);

        assertThat(err.toString())
                .contains(client + ":1: 'state.dir' is a setting of Kafka Streams, which the conductor makes itself:"
                        + " it is the conductor's --state; remove it");
    }

    @Test
    void kafkaPropertyWithATypoNamesTheNearest() throws IOException {
        Path client = Files.writeString(folder.resolve("client.properties"), "\nsecurity.protocl = SASL_SSL\n");

        assertThat(run(Map.of(), "--store", "/srv", "--print-config", "--kafka-config", client.toString()))
                .isEqualTo(2);

        assertThat(err.toString())
                .contains(client + ":2: Kafka's clients know no 'security.protocl'; did you mean 'security.protocol'?");
    }

    private String failure(String text) throws IOException {
        assertThat(run(Map.of(), "--config", file(text).toString())).isEqualTo(2);
        return err.toString();
    }

    private Path file(String text) throws IOException {
        return Files.writeString(folder.resolve("millrace.yaml"), text);
    }

    private int run(Map<String, String> environment, String... arguments) {
        err.getBuffer().setLength(0);
        CommandLine line = new CommandLine(service);
        line.setOut(new PrintWriter(out, true));
        line.setErr(new PrintWriter(err, true));
        Configuration.install(line, environment, arguments);
        return line.execute(arguments);
    }

    @Command(name = "service")
    private static final class Service implements Runnable {
        @Option(names = "--kafka", defaultValue = "localhost:9092")
        private String kafka = "";

        @Option(names = "--kafka-config")
        private @Nullable Path kafkaConfig;

        @Option(names = "--store", required = true)
        private String store = "";

        @Option(names = "--devices", split = ",", defaultValue = "cpu")
        private List<String> devices = List.of();

        @Option(names = "--slots", defaultValue = "1")
        private int slots;

        @Option(names = "--topic-prefix", defaultValue = "millrace.")
        private String prefix = "";

        @Option(names = "--output", defaultValue = "table")
        private String output = "";

        private boolean called;
        private String refusal = "";

        @Override
        public void run() {
            called = true;
            if (!refusal.isEmpty()) {
                throw new IllegalArgumentException(refusal);
            }
        }
    }
}
