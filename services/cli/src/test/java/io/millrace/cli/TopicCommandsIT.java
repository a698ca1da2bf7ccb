package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Device;
import io.millrace.events.ModelName;
import io.millrace.events.Policy;
import io.millrace.events.StageName;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Policies, dead letters, topics and checkpoints as the commands find and leave them. */
final class TopicCommandsIT {
    @TempDir
    static Path folder;

    private static CommandBroker broker;
    private static String store = "";

    @BeforeAll
    static void start() throws Exception {
        broker = CommandBroker.start(folder.resolve("kafka"));
        store = Files.createDirectory(folder.resolve("store")).toString();
    }

    @AfterAll
    static void stop() throws IOException {
        broker.close();
    }

    private static JsonNode document(Said said) throws IOException {
        return new ObjectMapper().readTree(said.out());
    }

    private static Path policy(String name, String format, String more) throws IOException {
        Files.writeString(folder.resolve("held-out.txt"), "x".repeat(20_000));
        return Files.writeString(folder.resolve(name + ".yaml"), """
                policy: %s
                models: "%s-*"
                work-on: cpu
                evaluate: {text: held-out.txt, sequences: 80, length: 128}
                %stargets:
                  - name: phone
                    device: cpu
                    recipes:
                      - [quantize: {format: gguf, type: Q8_0}]
                      - [quantize: {%s}]
                    gate: {size-ratio: "<= 1.2"}
                """.formatted(name, name, more, format));
    }

    @Test
    void aPolicyThatIsAppliedAgainIsOfALaterRevisionAndListedWithIt() throws Exception {
        String file = policy("chat", "format: gguf, type: Q6_K", "on-newer-checkpoint: supersede\n")
                .toString();
        broker.send(
                KnownEvents.checkpoint(new ModelName("chat-7b"), "1", 128, 0),
                KnownEvents.checkpoint(new ModelName("chat-7b"), "2", 128, 1),
                KnownEvents.checkpoint(new ModelName("chat-7b"), "3", 128, 2));

        Said first = broker.to("policy", "apply", file, "--store", store, "--backfill", "2");
        Said second = broker.to("policy", "apply", file, "--store", store, "--backfill", "3", "--output", "json");

        assertThat(first.out()).isEqualToIgnoringNewLines("policy 'chat' is in force (revision 1); 2 runs will start");
        assertThat(document(second).get("new-runs").asLong()).isEqualTo(3);
        assertThat(broker.events(CommandBroker.TOPICS.policies(), Policy.class))
                .filteredOn(policy -> policy.name().equals("chat"))
                .extracting(Policy::revision, Policy::backfill)
                .containsExactly(tuple(1L, 2), tuple(2L, 3));
        assertThat(broker.to("policy", "list").out().lines().skip(1))
                .singleElement()
                .satisfies(row ->
                        assertThat(row.split(" {2,}")).containsExactly("chat", "chat-*", "2", "supersede", "phone"));
    }

    /** Rows of 64 hold no groups of 128; the first rung, without groups, can pass. */
    @Test
    void aPolicyIsCheckedAgainstTheNewestCheckpoint() throws Exception {
        String file =
                policy("small", "format: compressed-tensors, scheme: W4A16", "").toString();
        broker.send(
                KnownEvents.checkpoint(new ModelName("small-1"), "1", 128, 0),
                KnownEvents.checkpoint(new ModelName("small-1"), "2", 64, 1));

        for (String[] command : new String[][] {
            {"policy", "check", file, "--output", "json"},
            {"policy", "check", file, "--output", "json", "--model", "small-1"}
        }) {
            Said said = broker.to(command);
            assertThat(said.exitCode()).as(said.err()).isEqualTo(ExitCode.UNSUCCESSFUL);
            JsonNode checked = document(said);
            assertThat(checked.get("models").get(0).asText()).isEqualTo("small-1");
            assertThat(checked.get("impossible")).hasSize(1);
            assertThat(checked.at("/impossible/0/target").asText()).isEqualTo("phone");
        }
        assertThat(broker.to("policy", "check", file).out())
                .contains("model 'small-1', target 'phone', rung 2 (", "1 rung that can never pass for small-1");
        Said unknown = broker.to("policy", "check", file, "--model", "small-2");
        assertThat(unknown.exitCode()).isEqualTo(ExitCode.NOT_FOUND);
        assertThat(unknown.err()).contains("no checkpoint of model 'small-2' was published");
    }

    @Test
    void deadLettersAreListedAndSentAgainByTheirNumbers() throws Exception {
        String topic = CommandBroker.TOPICS.rejections();
        for (String value : List.of("first", "second", "third")) {
            broker.bury(origin(topic, 3, 40, value), "no event: " + value);
        }
        broker.bury(origin("state", 0, -1, "damaged"), "no state");
        broker.bury(origin(topic, 3, 41, "x".repeat(600 * 1024)), "too large");

        assertThat(broker.to("dead-letters", "list").out().lines().skip(2).findFirst())
                .hasValueSatisfying(row -> assertThat(row.split(" {2,}"))
                        .hasSize(6)
                        .startsWith("1")
                        .endsWith(topic + " 3:40", "millrace/test", "6 B", "no event: second"));
        assertThat(document(broker.to("dead-letters", "list", "--output", "json"))
                        .findValuesAsText("number"))
                .containsExactly("0", "1", "2", "3", "4");

        refused(ExitCode.NOT_FOUND, "no dead letter 9", "0", "9");
        refused(ExitCode.REFUSED, "dead letter 3 names no topic that it came from", "0", "3");
        refused(ExitCode.REFUSED, "dead letter 4 was too large to be kept whole", "0", "4");
        assertThat(broker.records(topic)).as("a wrong number sends nothing").isEmpty();

        Said said = broker.to("dead-letters", "replay", "2", "1", "--output", "json");

        assertThat(said.exitCode()).as(said.err()).isEqualTo(ExitCode.OK);
        assertThat(broker.records(topic))
                .extracting(record -> new String(record.value(), StandardCharsets.UTF_8))
                .containsExactly("third", "second");
    }

    private static void refused(int exitCode, String message, String... numbers) {
        String[] command = new String[numbers.length + 2];
        command[0] = "dead-letters";
        command[1] = "replay";
        System.arraycopy(numbers, 0, command, 2, numbers.length);
        Said said = broker.to(command);
        assertThat(said.exitCode()).isEqualTo(exitCode);
        assertThat(said.err()).contains(message);
    }

    private static ConsumerRecord<String, byte[]> origin(String topic, int partition, long offset, String value) {
        byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
        return new ConsumerRecord<>(
                topic,
                partition,
                offset,
                0,
                TimestampType.CREATE_TIME,
                3,
                bytes.length,
                "key",
                bytes,
                new RecordHeaders(),
                Optional.empty());
    }

    @Test
    void topicsAreMadeForTheDevicesThatAreNamed() throws Exception {
        Device tpu = new Device("tpu");
        String queue = CommandBroker.TOPICS.jobs(StageName.QUANTIZE, tpu);
        Said missing = broker.to("doctor", "--devices", "tpu");
        assertThat(missing.exitCode()).isEqualTo(ExitCode.UNSUCCESSFUL);
        assertThat(missing.out().lines().filter(line -> line.startsWith("topics ")))
                .isNotEmpty()
                .allSatisfy(line -> assertThat(line).contains("WRONG"))
                .anySatisfy(line -> assertThat(line).contains(queue));

        Said twice = broker.to("topics", "apply", "--devices", "tpu", "--replication", "2");
        assertThat(twice.exitCode()).as(twice.err()).isNotEqualTo(ExitCode.OK);
        Said said = broker.to("topics", "apply", "--devices", "cpu,tpu", "--output", "json");

        assertThat(said.exitCode()).as(said.err()).isEqualTo(ExitCode.OK);
        assertThat(document(said).get("devices")).hasSize(2);
        assertThat(broker.records(queue)).isEmpty();
    }

    @Test
    void aCheckpointIsPublishedWithItsStepItsLabelsAndWithoutWhatIsNoPartOfIt() throws Exception {
        Path model = RandomModel.write(folder.resolve("step-4000"));
        Files.writeString(model.resolve("optimizer.pt"), "a pickle");
        String[] command = {
            "publish",
            model.toString(),
            "--model",
            "lone",
            "--version",
            "4000",
            "--step",
            "4000",
            "--label",
            "loss=2.5",
            "--store",
            store,
            "--output",
            "json"
        };

        Said said = broker.to(command);

        assertThat(said.exitCode()).as(said.err()).isEqualTo(ExitCode.OK);
        JsonNode published = document(said);
        assertThat(published.at("/left-out/0").asText()).isEqualTo("optimizer.pt");
        assertThat(published.get("runs")).isEmpty();
        assertThat(broker.events(CommandBroker.TOPICS.checkpoints(), CheckpointPublished.class))
                .filteredOn(checkpoint -> checkpoint.model().value().equals("lone"))
                .singleElement()
                .satisfies(checkpoint -> {
                    assertThat(checkpoint.step()).isEqualTo(4000);
                    assertThat(checkpoint.version()).isEqualTo("4000");
                    assertThat(checkpoint.labels()).containsEntry("loss", "2.5").hasSize(1);
                    assertThat(checkpoint.artifact().isInStore()).isFalse();
                });
        assertThat(broker.to("publish", model.toString(), "--model", "lone", "--version", "4000", "--store", store)
                        .out())
                .startsWith("left out, neither read nor stored: optimizer.pt\n");
    }
}
