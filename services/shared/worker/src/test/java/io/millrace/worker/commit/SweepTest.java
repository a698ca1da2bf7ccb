package io.millrace.worker.commit;

import static org.awaitility.Awaitility.await;

import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import io.millrace.worker.FakeStage;
import io.millrace.worker.Stages;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class SweepTest extends JobProtocolFixture {
    /** A worker may live for months. */
    @Test
    void whatAJobLeftBehindIsRemovedWhileTheWorkerLives() throws Exception {
        Path work = settings(Duration.ofHours(1)).workFolder();
        stageRun(new Stages(List.of(new FakeStage((_, _) -> {}))), Duration.ofHours(1), System::nanoTime)
                .sweep(Duration.ofDays(7), Duration.ofMillis(1));

        JobKey failed = new JobKey(Digest.of("failed"));
        new WorkFolders(work).open(failed).close();
        Path left = work.resolve(failed.toString());
        Files.setLastModifiedTime(left, FileTime.from(Instant.now().minus(Duration.ofDays(8))));

        await().until(() -> !Files.exists(left));
    }
}
