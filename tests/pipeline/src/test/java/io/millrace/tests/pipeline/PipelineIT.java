package io.millrace.tests.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.cli.local.Home;
import io.millrace.events.JobEvent.JobStarted;
import io.millrace.events.RunChanged;
import io.millrace.events.RunStatus;
import io.millrace.events.StepDone;
import io.millrace.events.wire.Topics;
import io.millrace.store.JobResult;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
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

    @TempDir
    Path folder;

    private CommandLine millrace;
    private SmallRun small;

    @BeforeEach
    void makeInput() throws Exception {
        millrace = new CommandLine(folder.resolve("home"));
        small = SmallRun.in(folder, millrace);
        Files.writeString(folder.resolve("policy.yaml"), POLICY.formatted("first"));
        Files.writeString(folder.resolve("other.yaml"), POLICY.formatted("second"));
    }

    @Test
    void aPublishedCheckpointBecomesAModelThatCanBePulledAlsoAfterGarbageWasCollected() throws Exception {
        try (RunningMillrace up = RunningMillrace.up(millrace);
                EventLog runs = up.events(Topics.DEFAULT.runs())) {
            millrace.json("policy", "apply", policyWithImportance().toString());

            String run = small.publish();

            assertThat(SmallRun.awaitEnd(runs, run)).isEqualTo(RunStatus.PUBLISHED);
            aSubscriberIsTold(run);
            whatWatchesRunsEndsWellWhenItIsStopped();
            AgedStore store = new AgedStore(new Home(millrace.home()).store());
            collectGarbage(store);
            Path pulled = folder.resolve("pulled");
            JsonNode model = millrace.json("pull", "small-one", "phone", pulled.toString());
            assertThat(model.get("model").get("decision").get("evidence")).isNotEmpty();
            Path gguf = pulled.resolve(model.get("files").get(0).asText());
            assertThat(Files.readAllBytes(gguf)).startsWith(GGUF);
            assertThat(millrace.runElsewhere("inspect", gguf.toString()).out())
                    .contains("quantize.imatrix.file", "weights.dat");
            lose(gguf, store, run);
            millrace.json("policy", "delete", "first");
            assertThat(millrace.json("policy", "list")).isEmpty();
        }
    }

    private void aSubscriberIsTold(String run) throws Exception {
        Path told = folder.resolve("models.jsonl");
        Path said = folder.resolve("subscribe.err");
        Process subscriber = millrace.start(told, said, "subscribe", "--from-beginning", "--output", "json");
        try {
            Awaitility.await("a published model")
                    .atMost(Duration.ofMinutes(2))
                    .until(() -> Files.readString(told).endsWith("\n") || !subscriber.isAlive());
            subscriber.destroy();
            assertThat(subscriber.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(subscriber.exitValue()).as(Files.readString(said)).isZero();
        } finally {
            subscriber.destroyForcibly();
        }
        assertThat(Files.readAllLines(told)).singleElement().satisfies(line -> {
            JsonNode model = new ObjectMapper().readTree(line);
            assertThat(model.get("run").asText()).isEqualTo(run);
            assertThat(model.get("target").asText()).isEqualTo("phone");
        });
    }

    private void whatWatchesRunsEndsWellWhenItIsStopped() throws Exception {
        Path told = folder.resolve("runs.jsonl");
        Path said = folder.resolve("watch.err");
        Process watch = millrace.start(told, said, "runs", "--watch", "--output", "json");
        try {
            Awaitility.await("the runs")
                    .atMost(Duration.ofMinutes(2))
                    .until(() -> Files.readString(told).endsWith("\n") || !watch.isAlive());
            watch.destroy();
            assertThat(watch.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(watch.exitValue()).as(Files.readString(said)).isZero();
        } finally {
            watch.destroyForcibly();
        }
    }

    private void collectGarbage(AgedStore store) throws Exception {
        JobResult old = store.addGarbage();
        store.age(Duration.ofDays(8));

        assertThat(millrace.json("store", "gc", "--grace", "9d").get("blobs").asLong())
                .isZero();
        JsonNode would = millrace.json("store", "gc", "--dry-run");
        assertThat(would.get("results").asLong()).isOne();
        assertThat(would.get("blobs").asLong()).isEqualTo(2);
        assertThat(store.holds(old)).isTrue();
        assertThat(millrace.json("store", "gc")).isEqualTo(would);
        assertThat(store.holds(old)).isFalse();
        assertThat(millrace.json("store", "verify").get("damaged")).isEmpty();
    }

    private void lose(Path file, AgedStore store, String run) throws Exception {
        Path lost = store.lose(Files.readAllBytes(file));

        CommandLine.Said damaged = millrace.run("store", "verify");

        assertThat(damaged.exitCode()).isEqualTo(6);
        assertThat(damaged.out())
                .contains(lost + "\n  is missing: '" + file.getFileName() + "'")
                .contains("millrace retry " + run.substring(0, 12) + " --recompute")
                .contains("needed by published model small-one v1 for phone")
                .endsWith("1 damaged or missing\n");
    }

    private static void spoil(Path state) throws IOException {
        try (Stream<Path> files = Files.walk(state)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Files.writeString(file, "spoiled");
            }
        }
    }

    /** The policy with a rung that departs from its type's mixture and weighs errors by a matrix beside the policy. */
    private Path policyWithImportance() throws IOException {
        byte[] tensor = "blk.0.ffn_down.weight".getBytes(StandardCharsets.US_ASCII);
        int columns = SmallCheckpoint.FEED_FORWARD;
        // The older form: entries; per entry name, calls, count and sums of squares.
        ByteBuffer matrix = ByteBuffer.allocate(16 + tensor.length + Float.BYTES * columns)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(1)
                .putInt(tensor.length)
                .put(tensor)
                .putInt(1)
                .putInt(columns);
        for (int column = 0; column < columns; column++) {
            matrix.putFloat(1 + column % 7);
        }
        Files.write(folder.resolve("weights.dat"), matrix.array());
        return Files.writeString(
                folder.resolve("weighed.yaml"),
                POLICY.formatted("first")
                        .replace("type: Q8_0", "type: Q8_0, tensor-type: {ffn_down: Q5_0}, importance: weights.dat"));
    }

    @Test
    @Tag("chaos")
    @Tag("promise-1")
    @Tag("promise-2")
    @DisplayName(
            "Promises 1 and 2: kill -9 of all on a disk that loses the conductor's state, and a new start ends the run"
                    + " and recomputes nothing")
    void killNineOfAllAndANewStartEndsTheRunAndRecomputesNothing() throws Exception {
        String run;
        StepDone quantized;
        try (RunningMillrace up = RunningMillrace.up(millrace);
                EventLog runs = up.events(Topics.DEFAULT.runs())) {
            millrace.json("policy", "apply", folder.resolve("policy.yaml").toString());
            run = small.publish();
            quantized = runs.await(RunChanged.class, state -> !state.finished().isEmpty())
                    .finished()
                    .getFirst();
            up.kill();
        }
        spoil(new Home(millrace.home()).conductor());

        try (RunningMillrace up = RunningMillrace.up(millrace);
                EventLog jobs = up.events(Topics.DEFAULT.jobEvents());
                EventLog runs = up.events(Topics.DEFAULT.runs())) {
            assertThat(SmallRun.awaitEnd(runs, run)).isEqualTo(RunStatus.PUBLISHED);
            jobs.readToEnd();
            assertThat(jobs.all(JobStarted.class))
                    .filteredOn(started -> started.job().key().equals(quantized.job()))
                    .hasSize(1);
            JsonNode second = millrace.json(
                    "policy", "apply", folder.resolve("other.yaml").toString());
            assertThat(second.get("new-runs").asLong()).isOne();
            RunChanged again = runs.await(
                    RunChanged.class,
                    state -> !state.run().toString().equals(run)
                            && state.status().ended());
            assertThat(again.status()).isEqualTo(RunStatus.PUBLISHED);
            assertThat(again.finished()).isNotEmpty().allMatch(StepDone::fromStore);

            millrace.json("retry", again.run().toString(), "--recompute");
            RunChanged recomputed = runs.await(
                    RunChanged.class,
                    state -> state.run().equals(again.run())
                            && state.status().ended()
                            && state.at().isAfter(again.at()));
            assertThat(recomputed.status()).isEqualTo(RunStatus.PUBLISHED);
            assertThat(recomputed.finished()).isNotEmpty().noneMatch(StepDone::fromStore);
        }
    }
}
