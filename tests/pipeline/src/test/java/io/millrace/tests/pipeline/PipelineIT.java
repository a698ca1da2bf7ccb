package io.millrace.tests.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PipelineIT {
    private static final String POLICY = """
            policy: %s
            models: "small*"
            work-on: cpu
            evaluate: {text: evaluation.txt, sequences: 80, length: 128}
            targets:
              - name: phone
                device: cpu
                recipes:
                  - [quantize: {format: gguf, type: Q8_0}]
                gate: {size-ratio: "<= 0.9", same-top-token: ">= 50%%"}
            """;
    private static final byte[] GGUF = {'G', 'G', 'U', 'F'};
    private static final Duration LONGEST_RUN = Duration.ofMinutes(4);

    @TempDir
    Path folder;

    private CommandLine millrace;
    private Path checkpoint;

    @BeforeEach
    void makeInput() throws Exception {
        millrace = new CommandLine(folder.resolve("home"));
        checkpoint = SmallCheckpoint.write(folder.resolve("checkpoint"), 1);
        SmallCheckpoint.writeText(folder.resolve("evaluation.txt"), 2);
        Files.writeString(folder.resolve("policy.yaml"), POLICY.formatted("first"));
        Files.writeString(folder.resolve("other.yaml"), POLICY.formatted("second"));
    }

    @Test
    void aPublishedCheckpointBecomesAModelThatCanBePulled() throws Exception {
        try (RunningMillrace _ = RunningMillrace.up(millrace)) {
            millrace.json("policy", "apply", folder.resolve("policy.yaml").toString());

            String run = publish();

            assertThat(awaitEnd(run)).isEqualTo("published");
            Path pulled = folder.resolve("pulled");
            JsonNode model = millrace.json("pull", "small-one", "phone", pulled.toString());
            assertThat(model.get("model").get("decision").get("evidence")).isNotEmpty();
            Path gguf = pulled.resolve(model.get("files").get(0).asText());
            assertThat(Files.readAllBytes(gguf)).startsWith(GGUF);
        }
    }

    @Test
    @Tag("chaos")
    void killNineOfAllAndANewStartEndsTheRunAndRecomputesNothing() throws Exception {
        String run;
        try (RunningMillrace up = RunningMillrace.up(millrace)) {
            millrace.json("policy", "apply", folder.resolve("policy.yaml").toString());
            run = publish();
            up.kill();
        }

        try (RunningMillrace _ = RunningMillrace.up(millrace)) {
            assertThat(awaitEnd(run)).isEqualTo("published");
            JsonNode second = millrace.json(
                    "policy", "apply", folder.resolve("other.yaml").toString());
            assertThat(second.get("new-runs").asLong()).isOne();
            String again = awaitSecondRun(run);
            assertThat(awaitEnd(again)).isEqualTo("published");

            for (JsonNode step : millrace.json("show", again).get("state").get("finished")) {
                assertThat(step.get("from-store").asBoolean())
                        .as(step.toString())
                        .isTrue();
            }
        }
    }

    @Test
    @Tag("chaos")
    void aKilledWorkerIsStartedAgainAndItsJobIsDone() throws Exception {
        try (RunningMillrace up = RunningMillrace.up(millrace)) {
            millrace.json("policy", "apply", folder.resolve("policy.yaml").toString());
            up.service("quantizer").destroyForcibly();

            String run = publish();

            assertThat(awaitEnd(run)).isEqualTo("published");
        }
    }

    private String publish() throws Exception {
        JsonNode published = millrace.json("publish", checkpoint.toString(), "--model", "small-one", "--version", "v1");
        assertThat(published.get("runs")).hasSize(1);
        return published.get("runs").get(0).get("run").asText();
    }

    private String awaitSecondRun(String first) {
        return Awaitility.await("a second run")
                .atMost(Duration.ofMinutes(1))
                .until(
                        () -> {
                            for (JsonNode run : millrace.json("runs")) {
                                if (!run.get("run").asText().equals(first)) {
                                    return run.get("run").asText();
                                }
                            }
                            return "";
                        },
                        run -> !run.isEmpty());
    }

    private String awaitEnd(String run) {
        return Awaitility.await("run " + run + " ends")
                .atMost(LONGEST_RUN)
                .until(
                        () -> millrace.json("show", run)
                                .get("state")
                                .get("status")
                                .asText(),
                        status -> !status.equals("requested")
                                && !status.equals("working")
                                && !status.equals("backing-off"));
    }
}
