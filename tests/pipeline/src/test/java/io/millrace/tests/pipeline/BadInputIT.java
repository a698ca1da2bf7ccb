package io.millrace.tests.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.cli.local.Home;
import io.millrace.events.Device;
import io.millrace.events.RunChanged;
import io.millrace.events.RunStatus;
import io.millrace.events.StageName;
import io.millrace.events.wire.Topics;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A user's mistakes, one after the other, against one running Millrace: each is named, and none of them stops it. */
final class BadInputIT {
    private static final int UNAVAILABLE = 4;
    private static final int REFUSED = 5;
    private static final int UNSUCCESSFUL = 6;
    private static final Topics TOPICS = Topics.DEFAULT;
    private static final List<String> POISONED =
            List.of(TOPICS.checkpoints(), TOPICS.jobEvents(), TOPICS.jobs(StageName.QUANTIZE, Device.CPU));

    @TempDir
    Path folder;

    private CommandLine millrace;
    private Path text;

    @BeforeEach
    void makeInput() throws Exception {
        millrace = new CommandLine(folder.resolve("home"));
        text = SmallCheckpoint.writeText(folder.resolve("evaluation.txt"), 2);
    }

    @Test
    void mistakesAreNamedAndGoodWorkGoesOn() throws Exception {
        refused(UNAVAILABLE, List.of("runs"), "no Millrace runs in", "millrace up");
        try (RunningMillrace up = RunningMillrace.up(millrace);
                EventLog runs = up.events(Topics.DEFAULT.runs())) {
            poison();
            commandsRefuse();
            portThatIsTaken();
            Path changed = checkpointThatChangesAfterItIsPublished();
            apply(policy("good", "cpu", text));
            versionPublishedTwiceWithDifferentWeights();
            deviceWithATypo();
            rungThatNoRowFits();

            String good = await(runs, "good", RunStatus.PUBLISHED).get("run").asText();
            JsonNode refused = await(runs, "good-changed", RunStatus.FAILED);
            assertFailure(refused, "checkpoint-changed", "model.safetensors");

            refused(REFUSED, List.of("retry", good), "is published", "only a failed run");
            BadInputFolders.flipLastByte(changed.resolve(BadInputFolders.WEIGHTS));
            millrace.json("retry", refused.get("run").asText());
            await(runs, "good-changed", RunStatus.PUBLISHED);
            assertThat(millrace.json(
                                    "pull",
                                    "good-changed",
                                    "phone",
                                    folder.resolve("v1").toString(),
                                    "--version",
                                    "v1")
                            .get("files"))
                    .isNotEmpty();
            deadLettersSayWhereTheyCameFrom();
        }
    }

    /** Records that nobody can read, on three topics. */
    private void poison() throws Exception {
        String kafka = new Home(millrace.home()).running().orElseThrow().kafka();
        try (Producer<byte[], byte[]> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", kafka), new ByteArraySerializer(), new ByteArraySerializer())) {
            for (String topic : POISONED) {
                producer.send(new ProducerRecord<>(
                                topic, new byte[] {'k'}, "no event".getBytes(StandardCharsets.UTF_8)))
                        .get();
            }
        }
    }

    private void commandsRefuse() throws Exception {
        refused(REFUSED, List.of("up"), "another Millrace uses this folder: " + millrace.home());

        Path empty = Files.createFile(folder.resolve("empty.txt"));
        refused(REFUSED, List.of("policy", "apply", policy("empty", "cpu", empty)), "empty.txt", "is empty");
        Path tooShort = Files.writeString(folder.resolve("short.txt"), "The mill turns.");
        refused(
                REFUSED,
                List.of("policy", "apply", policy("short", "cpu", tooShort)),
                "short.txt",
                "15 bytes",
                "give a longer text");
        Path unknown = Path.of(policy("unknown", "cpu", text));
        Files.writeString(unknown, Files.readString(unknown).replace("models:", "model:"));
        refused(REFUSED, List.of("policy", "apply", unknown.toString()), "unknown.yaml", "'model'", "'models'");

        Path noConfig = SmallCheckpoint.write(folder.resolve("no-config"), 1);
        Files.delete(noConfig.resolve(BadInputFolders.CONFIG));
        refused(
                REFUSED,
                List.of("publish", noConfig.toString(), "--model", "good", "--version", "v0"),
                "no-config/config.json",
                "missing");
        refused(
                REFUSED,
                List.of("publish", text.toString(), "--model", "good", "--version", "v0"),
                text + " is a file, expected the folder");
    }

    private void portThatIsTaken() throws Exception {
        Home.Running running = new Home(millrace.home()).running().orElseThrow();
        try (ServerSocket taken = new ServerSocket(0)) {
            String port = String.valueOf(taken.getLocalPort());

            CommandLine.Said said = millrace.runElsewhere(
                    "pruner",
                    "--kafka",
                    running.kafka(),
                    "--store",
                    running.store(),
                    "--work-folder",
                    folder.resolve("work").toString(),
                    "--management-port",
                    port);

            assertThat(said.exitCode()).as(said.err()).isEqualTo(UNAVAILABLE);
            assertThat(said.err()).contains("management port " + port + " cannot be opened", "choose another");
        }
    }

    /** It is published before its policy is there, so that it surely changes before a stage looks at it. */
    private Path checkpointThatChangesAfterItIsPublished() throws Exception {
        Path checkpoint = SmallCheckpoint.write(folder.resolve("changed"), 3);
        assertThat(publish(checkpoint, "good-changed")).isEmpty();
        BadInputFolders.flipLastByte(checkpoint.resolve(BadInputFolders.WEIGHTS));
        return checkpoint;
    }

    private void versionPublishedTwiceWithDifferentWeights() throws Exception {
        Path second = SmallCheckpoint.write(folder.resolve("second"), 5);
        SmallCheckpoint.write(folder.resolve("first"), 4);
        copyAndDelete(SmallCheckpoint.write(folder.resolve("deleted"), 4));

        CommandLine.Said said =
                millrace.run("publish", second.toString(), "--model", "good", "--version", "v1", "--output", "json");

        assertThat(said.exitCode()).as(said.err()).isEqualTo(REFUSED);
        JsonNode run = said.json().get("runs").get(0);
        assertFailure(run, "version-conflict", "publish under a new version");
        refused(REFUSED, List.of("retry", run.get("run").asText()), "version-conflict", "under a new version");
        theSameWithoutAPolicy(second);
        aStoreThatIsNotThere();
    }

    /** As a trainer does that keeps its newest checkpoint alone; the run takes what the store has. */
    private void copyAndDelete(Path checkpoint) throws Exception {
        JsonNode published =
                millrace.json("publish", checkpoint.toString(), "--model", "good", "--version", "v1", "--copy");
        assertThat(published.get("runs")).hasSize(1);
        try (Stream<Path> files = Files.list(checkpoint)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
    }

    /** No run is there to say it, and the record is a dead letter. */
    private void theSameWithoutAPolicy(Path second) throws Exception {
        assertThat(publish(folder.resolve("first"), "unclaimed")).isEmpty();

        refused(
                REFUSED,
                List.of("publish", second.toString(), "--model", "unclaimed", "--version", "v1"),
                "version 'v1' of 'unclaimed' was published with other files",
                "under a new version");
    }

    /** It may be meant. */
    private void aStoreThatIsNotThere() throws Exception {
        Path mistyped = folder.resolve("stroe");

        CommandLine.Said said = millrace.run(
                "publish",
                folder.resolve("first").toString(),
                "--model",
                "elsewhere",
                "--version",
                "v1",
                "--store",
                mistyped.toString());

        assertThat(said.exitCode()).as(said.err()).isZero();
        assertThat(said.err()).contains(mistyped + " was not there and becomes a store");
    }

    private void deviceWithATypo() throws Exception {
        apply(policy("typo", "cpuu", text));

        JsonNode waiting = publish(folder.resolve("first"), "typo").get(0);

        assertThat(waiting.get("status").asText()).isEqualTo("requested");
        assertThat(waiting.get("started").asBoolean()).isFalse();
        assertThat(millrace.run("runs", "--active").out()).contains("quantize on cpuu");
    }

    private void rungThatNoRowFits() throws Exception {
        Path grouped = Path.of(policy("grouped", "cpu", text));
        Files.writeString(
                grouped,
                Files.readString(grouped)
                        .replace("format: gguf, type: Q8_0", "format: compressed-tensors, scheme: W4A16"));
        apply(grouped.toString());

        CommandLine.Said said =
                millrace.run("publish", folder.resolve("first").toString(), "--model", "grouped", "--version", "v1");

        assertThat(said.out()).containsPattern("phone  rejected: every rung was refused: W4A16 needs rows .* 128");
        CommandLine.Said checked = millrace.run("policy", "check", grouped.toString());
        assertThat(checked.exitCode()).as(checked.err()).isEqualTo(UNSUCCESSFUL);
        assertThat(checked.out()).contains("model 'grouped', target 'phone', rung 1", "never pass for grouped");
    }

    private void deadLettersSayWhereTheyCameFrom() throws Exception {
        List<String> origins = new ArrayList<>();
        for (JsonNode letter : millrace.json("dead-letters", "list")) {
            origins.add(letter.get("origin").get("topic").asText());
            assertThat(letter.get("origin").get("why").asText()).isNotBlank();
        }
        List<String> expected = new ArrayList<>(POISONED);
        expected.add(Topics.DEFAULT.checkpoints()); // the version that was published twice and has no run
        assertThat(origins).containsExactlyInAnyOrderElementsOf(expected);
    }

    /** A policy for models whose names begin with its own, in a file of its own name. */
    private String policy(String name, String device, Path evaluationText) throws Exception {
        return Files.writeString(
                        folder.resolve(name + ".yaml"), """
                        policy: %s
                        models: "%s*"
                        work-on: %s
                        evaluate: {text: %s, sequences: 80, length: 128}
                        targets:
                          - name: phone
                            device: cpu
                            recipes:
                              - [quantize: {format: gguf, type: Q8_0}]
                            gate: {size-ratio: "<= 0.9"}
                        """.formatted(name, name, device, evaluationText.getFileName()))
                .toString();
    }

    private void apply(String policy) throws Exception {
        millrace.json("policy", "apply", policy);
    }

    /** Publishes a checkpoint as version v1; the runs that it started. */
    private JsonNode publish(Path checkpoint, String model) throws Exception {
        return millrace.json("publish", checkpoint.toString(), "--model", model, "--version", "v1")
                .get("runs");
    }

    private void refused(int exitCode, List<String> command, String... parts) throws Exception {
        CommandLine.Said said = millrace.run(command.toArray(String[]::new));
        assertThat(said.exitCode()).as("%s: %s", command, said.err()).isEqualTo(exitCode);
        assertThat(said.err().lines().filter(line -> line.startsWith("millrace: ")))
                .as(said.err())
                .singleElement()
                .satisfies(line -> assertThat(line).contains(parts));
    }

    private static void assertFailure(JsonNode run, String reason, String... parts) {
        assertThat(run.get("status").asText()).as(run.toString()).isEqualTo("failed");
        assertThat(run.at("/failure/reason").asText()).isEqualTo(reason);
        assertThat(run.at("/failure/message").asText()).contains(parts);
    }

    /** The run of this model that is in this state, once there is one. */
    private JsonNode await(EventLog runs, String model, RunStatus status) throws Exception {
        RunChanged there = runs.await(
                RunChanged.class, state -> state.model().toString().equals(model) && state.status() == status);
        for (JsonNode run : millrace.json("runs", "--model", model)) {
            if (run.get("run").asText().equals(there.run().toString())) {
                return run;
            }
        }
        throw new AssertionError("'millrace runs' does not show run " + there.run());
    }
}
