package io.millrace.tests.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.JobEvent.JobStarted;
import io.millrace.events.JobEvent.JobSucceeded;
import io.millrace.events.RunChanged;
import io.millrace.events.RunStatus;
import io.millrace.events.StageName;
import io.millrace.events.wire.Topics;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class KilledWorkerIT {
    /** The second step takes long enough to be killed in its middle. */
    private static final String LONG = """
            policy: long
            models: "small*"
            work-on: cpu
            evaluate: {text: evaluation.txt, sequences: 80, length: 128}
            calibrate: {text: calibration.txt, sequences: 80, length: 128}
            targets:
              - name: phone
                device: cpu
                recipes:
                  - [prune: {method: magnitude, fraction: 0.3}, distill: {steps: 150}, quantize: {format: gguf, type: Q8_0}]
                gate: {size-ratio: "<= 0.9"}
            """;

    @TempDir
    Path folder;

    @Test
    @Tag("chaos")
    @Tag("promise-1")
    @Tag("promise-3")
    @DisplayName("Promises 1 and 3: kill -9 of a worker in the middle of a job, and its run is published")
    void aJobWhoseWorkerIsKilledIsDoneByTheNextAndNothingElseIsDoneAgain() throws Exception {
        CommandLine millrace = new CommandLine(folder.resolve("home"));
        SmallRun small = SmallRun.in(folder, millrace);
        Files.writeString(folder.resolve("calibration.txt"), Files.readString(folder.resolve("evaluation.txt")));
        Files.writeString(folder.resolve("long.yaml"), LONG);
        try (RunningMillrace up = RunningMillrace.up(millrace);
                EventLog runs = up.events(Topics.DEFAULT.runs());
                EventLog jobs = up.events(Topics.DEFAULT.jobEvents())) {
            millrace.json("policy", "apply", folder.resolve("long.yaml").toString());
            String run = small.publish();
            jobs.await(JobStarted.class, started -> started.job().stage() == StageName.DISTILL);

            up.service("distiller").destroyForcibly();

            runs.await(
                    RunChanged.class, state -> state.started() && state.stage().equals(Optional.of(StageName.DISTILL)));
            assertThat(SmallRun.awaitEnd(runs, run)).isEqualTo(RunStatus.PUBLISHED);
            jobs.readToEnd();
            assertThat(jobs.all(JobStarted.class))
                    .extracting(started -> started.job().stage() + " " + started.starts())
                    .containsExactly("PRUNE 1", "DISTILL 1", "DISTILL 2", "QUANTIZE 1", "BENCHMARK 1", "BENCHMARK 1");
            assertThat(jobs.all(JobSucceeded.class))
                    .allMatch(succeeded -> !succeeded.fromStore())
                    .extracting(succeeded -> succeeded.job().stage())
                    .containsExactly(
                            StageName.PRUNE,
                            StageName.DISTILL,
                            StageName.QUANTIZE,
                            StageName.BENCHMARK,
                            StageName.BENCHMARK);
            assertThat(jobs.all(JobFailed.class)).isEmpty();
        }
    }
}
