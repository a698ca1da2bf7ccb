package io.millrace.store;

import static io.millrace.store.Samples.bytes;
import static io.millrace.store.Samples.key;
import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Digest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** In which order a folder is written to its disk, so that nothing is told that a crash could undo. */
class FolderDurabilityTest {
    @TempDir
    Path temp;

    @Test
    void contentIsSyncedBeforeItIsNamedAndItsFolderBeforeAnyoneIsTold() throws IOException {
        List<String> calls = new ArrayList<>();
        FolderStore recorded = FolderStore.open(temp.resolve("recorded"), new RecordingDisk(calls));
        Path folder = Files.createDirectories(temp.resolve("one"));
        Files.writeString(folder.resolve("file"), "content");
        calls.clear();

        ArtifactRef artifact = recorded.publishFolder(folder, new TreeMap<>());
        recorded.commit(Samples.result(key("a"), artifact, "w"));

        String file = Digest.of("content").hex();
        String manifest = artifact.manifest().hex();
        assertThat(calls)
                .containsExactly(
                        "sync 0",
                        "name 0 " + file,
                        "sync 1",
                        "name 1 " + manifest,
                        "folder " + file.substring(0, 2),
                        "folder " + manifest.substring(0, 2),
                        "folder blobs",
                        "sync 2",
                        "name 2 store-id",
                        "folder recorded",
                        "sync 3",
                        "name 3 " + key("a") + ".json",
                        "folder results");
    }

    @Test
    void contentThatIsThereIsNotWrittenAgainButItsNameIsMadeDurable() throws IOException {
        List<String> calls = new ArrayList<>();
        FolderStore recorded = FolderStore.open(temp.resolve("recorded"), new RecordingDisk(calls));
        Digest blob = recorded.put(bytes("content"));
        Path again = Files.writeString(temp.resolve("again"), "content");
        calls.clear();

        recorded.put(again);
        recorded.put(bytes("content"));

        String folder = "folder " + blob.hex().substring(0, 2);
        assertThat(calls).containsExactly(folder, folder);
    }

    /** Its writer may have linked it a moment ago, and whoever is told of it relies on it. */
    @Test
    void aResultThatIsReadIsMadeDurableBeforeAnyoneIsTold() throws IOException {
        List<String> calls = new ArrayList<>();
        FolderStore recorded = FolderStore.open(temp.resolve("recorded"), new RecordingDisk(calls));
        recorded.commit(Samples.result(key("a"), "w"));
        calls.clear();

        assertThat(recorded.result(key("a"))).isPresent();

        assertThat(calls).containsExactly("folder results");
    }

    /** A machine that a job kills again and again must not forget how often. */
    @Test
    void aClaimThatIsTakenOverIsMadeDurableAndABeatIsNot() throws IOException {
        List<String> calls = new ArrayList<>();
        FolderStore recorded = FolderStore.open(temp.resolve("recorded"), new RecordingDisk(calls));
        Claim first = new Claim(key("a"), "one", 1, 1);
        Claim beat = new Claim(key("a"), "one", 1, 2);
        recorded.replaceClaim(Optional.empty(), first);
        calls.clear();

        recorded.replaceClaim(Optional.of(first), beat);
        recorded.replaceClaim(Optional.of(beat), new Claim(key("a"), "two", 2, 3));

        String claim = key("a") + ".json";
        assertThat(calls).containsExactly("name 1 " + claim, "sync 2", "name 2 " + claim, "folder claims");
    }

    @Test
    @Tag("promise-2")
    @DisplayName("Promise 2: dying between any two steps leaves no result, or one with its whole artifact")
    void dyingBetweenAnyTwoStepsLeavesNoResultOrAWholeOne() throws IOException {
        int steps = 0;
        for (boolean died = true; died; steps++) {
            Path root = temp.resolve("dying" + steps);
            FolderStore.open(root, new UnsyncedDisk()).close();
            DyingDisk disk = new DyingDisk();
            FolderStore dying = FolderStore.open(root, disk);
            Path folder = Samples.folder(temp);
            JobResult result = null;
            disk.dieAfter(steps);
            try {
                result = Samples.result(key("a"), dying.publishFolder(folder, new TreeMap<>()), "dying");
                dying.commit(result);
                died = false;
            } catch (IOException e) {
                assertThat(e).hasMessage("died");
            }

            FolderStore next = FolderStore.open(root, new UnsyncedDisk());
            Optional<JobResult> standing = next.result(key("a"));
            if (standing.isPresent()) {
                assertThat(standing).contains(result);
                assertThat(next.isComplete(standing.get().output())).isTrue();
            }
            ArtifactRef again = next.publishFolder(folder, new TreeMap<>());
            assertThat(next.isComplete(again)).isTrue();
            Commit commit = next.commit(Samples.result(key("a"), again, "next"));
            assertThat(commit.standing().writer()).isEqualTo(standing.isPresent() ? "dying" : "next");
        }
        assertThat(steps).isGreaterThan(10);
    }
}
