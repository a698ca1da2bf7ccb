package io.millrace.tests.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.cli.local.Home;
import io.millrace.events.Failure;
import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.JobEvent.JobStarted;
import io.millrace.events.Reason;
import io.millrace.events.RunChanged;
import io.millrace.events.RunStatus;
import io.millrace.events.wire.Topics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A disk that is full where a job writes its output, and then one that is full where the output is stored. The file that
 * the job is going to write is there already, as a link to the device that refuses every byte as a full disk does; the
 * job's key, and so its folder, is known before a worker takes it, because the queue is not worked at first.
 */
final class FullDiskIT {
    private static final Path FULL = Path.of("/dev/full");
    private static final String UNFINISHED = ".model-Q8_0.gguf.partial";
    private static final String POLICY = """
            policy: disk
            models: "*"
            work-on: cpu
            evaluate: {text: evaluation.txt, sequences: 80, length: 128}
            targets:
              - name: phone
                device: cpu
                recipes:
                  - [quantize: {format: gguf, type: Q8_0}]
                gate: {size-ratio: "<= 0.9"}
            """;

    @TempDir
    Path folder;

    private CommandLine millrace;

    @BeforeEach
    void requireFullDisk() {
        assumeTrue(Files.exists(FULL), "skipped: this system has no " + FULL);
        millrace = new CommandLine(folder.resolve("home"));
    }

    @Test
    @Tag("chaos")
    @Tag("promise-1")
    @DisplayName("Promise 1: a run that meets a full disk says so and ends when there is room")
    void aFullDiskIsSaidInTheRunAndCostsNoAttempt() throws Exception {
        Path output;
        try (RunningMillrace _ = RunningMillrace.up(millrace, "--devices", "elsewhere")) {
            String run = publish();
            output = Files.createDirectories(outputOf(waitingJob(run)));
        }
        Files.createSymbolicLink(output.resolve(UNFINISHED), FULL);

        SmallDisk store = new SmallDisk(new Home(millrace.home()).store());
        boolean fullStore = SmallDisk.available();
        CommandLine onSmallDisk = new CommandLine(millrace.home(), fullStore ? store.launcher() : List.of());
        try (RunningMillrace up = RunningMillrace.up(onSmallDisk);
                EventLog runs = up.events(Topics.DEFAULT.runs());
                EventLog jobs = up.events(Topics.DEFAULT.jobEvents())) {

            RunChanged pausing = runs.await(RunChanged.class, state -> state.status() == RunStatus.BACKING_OFF);
            if (fullStore) {
                theOutputWaitsForRoom(up, runs, store);
            } else {
                System.out.println("skipped in part: a user may not mount here, so the store's disk is not full");
            }
            RunChanged ended =
                    runs.await(RunChanged.class, state -> state.status().ended());
            jobs.readToEnd();

            Failure failure = pausing.failure().orElseThrow();
            assertThat(failure.reason()).isEqualTo(Reason.DISK_FULL);
            assertThat(failure.message()).contains("No space left on device", "work folder", "make room");
            assertThat(ended.status()).isEqualTo(RunStatus.PUBLISHED);
            assertThat(ended.finished()).allMatch(step -> step.attempt() == 1);
            assertThat(jobs.all(JobFailed.class)).hasSize(1);
            assertThat(jobs.all(JobStarted.class))
                    .extracting(started -> started.job().stage() + " " + started.starts())
                    .containsExactly("QUANTIZE 1", "QUANTIZE 1", "BENCHMARK 1", "BENCHMARK 1");
        }
    }

    /** The commit met the end of the store's disk in its middle: nothing is there of it, and its room is free again. */
    private static void theOutputWaitsForRoom(RunningMillrace up, EventLog runs, SmallDisk store) throws IOException {
        RunChanged waiting =
                runs.await(RunChanged.class, state -> state.message().contains("finished, waiting for the store"));

        assertThat(waiting.message())
                .contains(
                        store.folder().toString(),
                        "no space left on its disk; make room, the work is tried again by itself");
        assertThat(store.sizes(up, "results")).isEmpty();
        assertThat(store.sizes(up, "blobs")).isNotEmpty().allMatch(bytes -> bytes < SmallDisk.FREE_BYTES);
        Awaitility.await("what was written of it is deleted")
                .ignoreExceptions() // A file may go while it is looked at.
                .until(() -> store.sizes(up, "tmp").isEmpty());
        store.makeRoom(up);
    }

    private String publish() throws Exception {
        Path checkpoint = SmallCheckpoint.write(folder.resolve("checkpoint"), 1);
        SmallCheckpoint.writeText(folder.resolve("evaluation.txt"), 2);
        Path policy = Files.writeString(folder.resolve("policy.yaml"), POLICY);
        millrace.json("policy", "apply", policy.toString());
        return millrace.json("publish", checkpoint.toString(), "--model", "small", "--version", "v1")
                .get("runs")
                .get(0)
                .get("run")
                .asText();
    }

    private String waitingJob(String run) throws Exception {
        JsonNode state = millrace.json("show", run).get("state");
        assertThat(state.get("stage").asText()).isEqualTo("quantize");
        assertThat(state.get("started").asBoolean()).isFalse();
        return state.get("job").asText();
    }

    /** Where a quantizer on this home writes the output of a job. */
    private Path outputOf(String job) {
        Path work = new Home(millrace.home()).work();
        return work.resolve("quantizer").resolve(job).resolve("work").resolve("output");
    }
}
