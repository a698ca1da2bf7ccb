package io.millrace.worker.commit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import io.millrace.events.Role;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkFolderTest {
    private static final JobKey KEY = new JobKey(Digest.of("job"));

    @TempDir
    Path root;

    @Test
    void stagesOwnFilesSurviveAndInputsDoNot() throws IOException {
        try (WorkFolder first = WorkFolder.open(root, KEY)) {
            Files.writeString(first.work().resolve("step-7"), "saved");
            Path input = Files.createDirectories(first.input(Role.MODEL));
            Files.writeString(input.resolve("model.safetensors"), "copied");
        }

        try (WorkFolder second = WorkFolder.open(root, KEY)) {
            assertThat(second.work().resolve("step-7")).hasContent("saved");
            assertThat(second.input(Role.MODEL)).doesNotExist();
        }
    }

    @Test
    void anOutputThatIsTheStoresByNowIsLeftToIt() throws IOException {
        Path blob = root.resolveSibling(root.getFileName() + "-blob");
        try (WorkFolder first = WorkFolder.open(root, KEY)) {
            Files.writeString(first.work().resolve("step-7"), "saved");
            Path output = Files.writeString(first.work().resolve("report.json"), "{}");
            try {
                Files.createLink(blob, output);
            } catch (UnsupportedOperationException e) {
                assumeTrue(false, "skipped: no hard links here");
            }
        }

        try (WorkFolder second = WorkFolder.open(root, KEY)) {
            assertThat(second.work().resolve("step-7")).hasContent("saved");
            assertThat(second.work().resolve("report.json")).doesNotExist();
            assertThat(blob).hasContent("{}");
        } finally {
            Files.deleteIfExists(blob);
        }
    }

    @Test
    void twoHoldersOfOneKeyNeverShareAFolder() throws IOException {
        try (WorkFolder first = WorkFolder.open(root, KEY);
                WorkFolder second = WorkFolder.open(root, KEY)) {
            assertThat(second.work()).isNotEqualTo(first.work());
        }
    }

    /** Another process would open the file that is there now. */
    @Test
    void locksAreTakenInTheFileThatIsThereAfterSomeoneRemovedTheFirst() throws IOException {
        Path locks = root.resolve(PlaceLocks.FILE);
        try (WorkFolder first = WorkFolder.open(root, KEY)) {
            Files.delete(locks);

            try (WorkFolder second = WorkFolder.open(root, new JobKey(Digest.of("another")))) {
                assertThat(second.work()).isDirectory();
                assertThat(locks).exists();
            }
            assertThat(first.work()).isDirectory();
        }
    }

    @Test
    void deletedFolderLeavesNothing() throws IOException {
        try (WorkFolder folder = WorkFolder.open(root, KEY)) {
            folder.delete();
        }

        assertThat(root.resolve(KEY.toString())).doesNotExist();
    }

    @Test
    void sweepTakesOldFoldersThatNobodyWorksInAndNothingElse() throws IOException {
        Files.createDirectories(root.resolve("somebody-elses"));
        JobKey left = new JobKey(Digest.of("left behind"));
        WorkFolder.open(root, left).close();
        try (WorkFolder held = WorkFolder.open(root, KEY)) {

            WorkFolder.sweep(root, Instant.now().plusSeconds(60));

            assertThat(held.work()).isDirectory();
            assertThat(root.resolve(left.toString())).doesNotExist();
            assertThat(root.resolve("somebody-elses")).isDirectory();
        }
    }

    @Test
    void sweepSparesWhatWasTouchedLately() throws IOException {
        WorkFolder.open(root, KEY).close();

        WorkFolder.sweep(root, Instant.now().minusSeconds(3_600));

        assertThat(root.resolve(KEY.toString())).isDirectory();
    }
}
