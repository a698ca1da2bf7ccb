package io.millrace.worker.commit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import io.millrace.events.Role;
import io.millrace.store.FolderTree;
import io.millrace.worker.StageOutput;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkFolderTest {
    private static final JobKey KEY = new JobKey(Digest.of("job"));

    @TempDir
    Path root;

    private WorkFolders folders() {
        return new WorkFolders(root);
    }

    @Test
    void stagesOwnFilesSurviveAndInputsDoNot() throws IOException {
        try (WorkFolder first = folders().open(KEY)) {
            Files.writeString(first.work().resolve("step-7"), "saved");
            Path input = Files.createDirectories(first.input(Role.MODEL));
            Files.writeString(input.resolve("model.safetensors"), "copied");
        }

        try (WorkFolder second = folders().open(KEY)) {
            assertThat(second.work().resolve("step-7")).hasContent("saved");
            assertThat(second.input(Role.MODEL)).doesNotExist();
        }
    }

    @Test
    void anOutputThatIsTheStoresByNowIsLeftToIt() throws IOException {
        Path blob = root.resolveSibling(root.getFileName() + "-blob");
        try (WorkFolder first = folders().open(KEY)) {
            Files.writeString(first.work().resolve("step-7"), "saved");
            Path output = Files.writeString(first.work().resolve("report.json"), "{}");
            try {
                Files.createLink(blob, output);
            } catch (UnsupportedOperationException e) {
                assumeTrue(false, "skipped: no hard links here");
            }
        }

        try (WorkFolder second = folders().open(KEY)) {
            assertThat(second.work().resolve("step-7")).hasContent("saved");
            assertThat(second.work().resolve("report.json")).doesNotExist();
            assertThat(blob).hasContent("{}");
        } finally {
            Files.deleteIfExists(blob);
        }
    }

    @Test
    void twoHoldersOfOneKeyNeverShareAFolder() throws IOException {
        try (WorkFolder first = folders().open(KEY);
                WorkFolder second = folders().open(KEY)) {
            assertThat(second.work()).isNotEqualTo(first.work());
        }
    }

    /** Another process would open the file that is there now. */
    @Test
    void locksAreTakenInTheFileThatIsThereAfterSomeoneRemovedTheFirst() throws IOException {
        Path locks = root.resolve(PlaceLocks.FILE);
        try (WorkFolder first = folders().open(KEY)) {
            Files.delete(locks);

            try (WorkFolder second = folders().open(new JobKey(Digest.of("another")))) {
                assertThat(second.work()).isDirectory();
                assertThat(locks).exists();
            }
            assertThat(first.work()).isDirectory();
        }
    }

    @Test
    void deletedFolderLeavesNothing() throws IOException {
        try (WorkFolder folder = folders().open(KEY)) {
            folder.delete();
        }

        assertThat(root.resolve(KEY.toString())).doesNotExist();
    }

    @Test
    void sweepTakesOldFoldersThatNobodyWorksInAndNothingElse() throws IOException {
        Files.createDirectories(root.resolve("somebody-elses"));
        JobKey left = new JobKey(Digest.of("left behind"));
        folders().open(left).close();
        try (WorkFolder held = folders().open(KEY)) {

            folders().sweep(Instant.now().plusSeconds(60));

            assertThat(held.work()).isDirectory();
            assertThat(root.resolve(left.toString())).doesNotExist();
            assertThat(root.resolve("somebody-elses")).isDirectory();
        }
    }

    @Test
    void sweepSparesWhatWasTouchedLately() throws IOException {
        folders().open(KEY).close();

        folders().sweep(Instant.now().minusSeconds(3_600));

        assertThat(root.resolve(KEY.toString())).isDirectory();
    }

    @Test
    void theFolderOfAJobThatEndedIsTheEmptyFolderOfTheNext() throws IOException {
        WorkFolders folders = folders();
        Object inode;
        try (WorkFolder first = folders.open(KEY)) {
            inode = Files.readAttributes(first.work(), BasicFileAttributes.class)
                    .fileKey();
            Files.writeString(
                    Files.createDirectories(first.work().resolve("a/b")).resolve("step-7"), "saved");
            Files.writeString(Files.createDirectories(first.input(Role.MODEL)).resolve("model.gguf"), "copied");
            first.keep(new FinishedWork(
                    new StageOutput(first.work(), List.of()), OutputFiles.in(first.work()), Duration.ZERO, 1));
            first.delete();
        }

        try (WorkFolder next = folders.open(new JobKey(Digest.of("next")))) {
            assertThat(Files.readAttributes(next.work(), BasicFileAttributes.class)
                            .fileKey())
                    .isEqualTo(inode);
            assertThat(next.work()).isEmptyDirectory();
            assertThat(next.input(Role.MODEL)).isEmptyDirectory();
            assertThat(next.kept()).isEmpty();
        }
    }

    @Test
    void aFolderThatAPersonRemovedIsAsGoodAsDeleted() throws IOException {
        WorkFolders folders = folders();
        try (WorkFolder first = folders.open(KEY)) {
            FolderTree.delete(root.resolve(KEY.toString()));
            first.delete();
        }

        try (WorkFolder next = folders.open(new JobKey(Digest.of("next")))) {
            assertThat(next.work()).isEmptyDirectory();
        }
    }

    @Test
    void aFolderThatIsUsedAgainIsYoung() throws IOException {
        WorkFolders folders = folders();
        try (WorkFolder first = folders.open(KEY)) {
            first.delete();
        }
        Path spare = root.resolve(SpareFolders.PREFIX + KEY);
        Files.setLastModifiedTime(spare, FileTime.from(Instant.now().minusSeconds(7_200)));
        JobKey next = new JobKey(Digest.of("next"));
        folders.open(next).close();

        folders.sweep(Instant.now().minusSeconds(3_600));

        assertThat(spare).doesNotExist();
        assertThat(root.resolve(next.toString())).isDirectory();
    }

    @Test
    void aSpareFolderThatIsGoneIsNotMissed() throws IOException {
        WorkFolders folders = folders();
        try (WorkFolder first = folders.open(KEY)) {
            first.delete();
        }

        folders.sweep(Instant.now().plusSeconds(60));

        try (WorkFolder next = folders.open(new JobKey(Digest.of("next")))) {
            assertThat(next.work()).isEmptyDirectory();
        }
    }

    @Test
    void whatIsLinkedToFromAFolderThatIsEmptiedStays() throws IOException {
        Path elsewhere = Files.createDirectories(root.resolve("elsewhere"));
        Files.writeString(elsewhere.resolve("kept"), "");
        try (WorkFolder folder = folders().open(KEY)) {
            Files.createSymbolicLink(folder.work().resolve("link"), elsewhere);
            Files.createSymbolicLink(folder.input(Role.MODEL), elsewhere);

            folder.delete();
        }

        assertThat(elsewhere.resolve("kept")).exists();
    }

    /** A file system that may be read alone by now, say. */
    @Test
    void aFolderThatCannotBeDeletedChangesNoOutcome() throws IOException {
        SpareFolders full = new SpareFolders() {
            @Override
            void give(Path place) throws IOException {
                throw new IOException("Read-only file system");
            }
        };
        Path place = root.resolve(KEY.toString());
        FileLock lock = PlaceLocks.in(root).take(KEY, 1).orElseThrow();
        try (WorkFolder folder = WorkFolder.open(place, lock, full)) {
            Files.createDirectories(folder.input(Role.MODEL));

            folder.delete();
        }

        assertThat(place.resolve(WorkFolder.WORK)).isDirectory();
        assertThat(place.resolve("input-model")).doesNotExist();
    }

    /** Workers of one machine share the folder, and one begins while the others work. */
    @Test
    void aSweepMindsNoFolderThatGetsAnotherNameMeanwhile() throws Exception {
        WorkFolders busy = folders();
        CompletableFuture<Void> work = CompletableFuture.runAsync(() -> {
            for (int i = 0; i < 2_000; i++) {
                try (WorkFolder folder = busy.open(new JobKey(Digest.of("job " + i)))) {
                    folder.delete();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        });
        WorkFolders sweeping = folders();
        do {
            sweeping.sweep(Instant.now().minusSeconds(3_600));
        } while (!work.isDone());
        work.get();
    }

    @Test
    void aFolderThatCannotBeRemovedKeepsNoOther() throws IOException {
        assumeTrue(
                System.getProperty("os.name").equals("Linux"), "skipped: the longest path of this system is not known");
        FileTime old = FileTime.from(Instant.now().minusSeconds(7_200));
        List<Path> places = IntStream.range(0, 12)
                .mapToObj(i -> root.resolve(Digest.of("job " + i).hex()))
                .toList();
        for (Path place : places) {
            Files.createDirectories(place.resolve(WorkFolder.WORK));
            Files.setLastModifiedTime(place, old);
        }
        // Nobody, root included, reaches what lies deeper than the longest path.
        Path inner = Files.createDirectories(nested(root.resolve("inner")));
        Path outer = Files.createDirectories(nested(places.getFirst().resolve(WorkFolder.WORK)));
        Path deep = Files.move(root.resolve("inner"), outer.resolve("inner"));
        try {
            folders().sweep(Instant.now().minusSeconds(3_600));

            assertThat(inner).doesNotExist();
            assertThat(places).filteredOn(Files::exists).containsExactly(places.getFirst());
        } finally {
            Files.move(deep, root.resolve("inner"));
        }
    }

    private static Path nested(Path folder) {
        return Stream.generate(() -> "n".repeat(200)).limit(12).reduce(folder, Path::resolve, (a, _) -> a);
    }
}
