package io.millrace.worker.commit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.worker.FakeStage;
import io.millrace.worker.StageOutput;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FinishedWorkTest {
    private static final Path WORKSPACE = Path.of("work");
    private static final FinishedWork WORK = new FinishedWork(
            new StageOutput(
                    WORKSPACE.resolve("output"),
                    List.of(
                            FakeStage.MEASUREMENT,
                            Measurement.missing(Metric.GENERATION_RATE, Device.CPU, "no runtime"))),
            new OutputFiles(new TreeMap<>(Map.of("model.safetensors", 1L << 40, "reports/\"a\".json", 0L))),
            Duration.ofNanos(1_234_567_890_123L),
            5_000_000_000L);

    @TempDir
    Path root;

    @Test
    void whatIsWrittenIsReadBackToTheLastBit() {
        assertThat(FinishedWork.parse(WORK.json(WORKSPACE, "boot 1"), WORKSPACE, "boot 1"))
                .contains(WORK);
    }

    @Test
    void anotherBootMayHaveLostThePagesOfTheOutputSoItIsNotUsed() {
        assertThat(FinishedWork.parse(WORK.json(WORKSPACE, "boot 1"), WORKSPACE, "boot 2"))
                .isEmpty();
    }

    @Test
    void anOutputOutsideTheWorkspaceIsRefused() {
        String escaping = WORK.json(WORKSPACE, "boot").replace("\"output\":\"output\"", "\"output\":\"../elsewhere\"");

        assertThatThrownBy(() -> FinishedWork.parse(escaping, WORKSPACE, "boot"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("elsewhere");
    }

    @Test
    void whatIsDamagedCountsAsNotFinished() throws IOException {
        try (WorkFolder folder = new WorkFolders(root).open(new JobKey(Digest.of("job")))) {
            Path output = Files.createDirectories(folder.work().resolve("output"));
            folder.keep(new FinishedWork(
                    new StageOutput(output, List.of(FakeStage.MEASUREMENT)), OutputFiles.in(output), Duration.ZERO, 1));
            Path file = output.resolve("../../finished").normalize();
            String whole = Files.readString(file);
            assertThat(folder.kept()).isPresent();

            for (int length = 0; length < whole.length(); length++) {
                Files.writeString(file, whole.substring(0, length));

                assertThat(folder.kept()).as(whole.substring(0, length)).isEmpty();
            }
            Files.writeString(file, whole);
            Files.delete(output);
            assertThat(folder.kept()).isEmpty();
        }
    }
}
