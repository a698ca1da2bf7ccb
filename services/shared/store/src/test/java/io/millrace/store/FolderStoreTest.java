package io.millrace.store;

import static io.millrace.store.Samples.bytes;
import static io.millrace.store.Samples.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class FolderStoreTest extends WrittenStoreContract {
    @Override
    ArtifactStore create(Path temp) throws IOException {
        return FolderStore.open(temp.resolve("store"), new UnsyncedDisk());
    }

    private Path blob(Digest digest) {
        return temp.resolve("store/blobs").resolve(digest.hex().substring(0, 2)).resolve(digest.hex());
    }

    private void damage(Digest digest, String content) throws IOException {
        Files.delete(blob(digest));
        Files.writeString(blob(digest), content);
    }

    @Test
    void aDamagedBlobIsNoticedWhenItIsReadAndWhenItIsCheckedOut() throws IOException {
        ArtifactRef artifact = store.publishFolder(Samples.folder(temp), new TreeMap<>());
        Digest weights = Digest.of("weights");
        damage(weights, "wEights");

        try (InputStream in = store.open(weights)) {
            assertThatThrownBy(in::readAllBytes)
                    .isInstanceOf(DamagedFileException.class)
                    .hasMessageContaining(blob(weights).toString());
        }
        assertThatThrownBy(() -> store.checkOut(artifact, temp.resolve("out")))
                .isInstanceOf(DamagedFileException.class)
                .hasMessageContaining("sub/weights.bin");
    }

    /** Its jobs would end for ever as if their inputs were lost. */
    @Test
    void whereAShareIsNotMountedNoBlobIsMissing() throws IOException {
        ArtifactRef artifact = store.publishFolder(Samples.folder(temp), new TreeMap<>());
        Path root = temp.resolve("store");
        Path away = Files.move(root, temp.resolve("away"));

        for (ArtifactStore there : List.of(store, FolderStore.open(Files.createDirectory(root)))) {
            assertThatThrownBy(() -> there.manifest(artifact))
                    .isInstanceOf(StoreUnreachableException.class)
                    .hasMessageContainingAll(root.toString(), "is the share mounted on this machine?");
        }

        Files.move(root, temp.resolve("what the process made"));
        Files.move(away, root);
        assertThat(store.checkOut(artifact, temp.resolve("out")).resolve("sub/weights.bin"))
                .hasContent("weights");
        Files.delete(blob(Digest.of("weights")));
        assertThatThrownBy(() -> store.checkOut(artifact, temp.resolve("again")))
                .isInstanceOf(NoSuchFileException.class);
    }

    @Test
    void aBlobThatWasCutOffIsIncompleteAndIsMendedByTheNextPut() throws IOException {
        ArtifactRef artifact = store.publishFolder(Samples.folder(temp), new TreeMap<>());
        damage(Digest.of("weights"), "weig");

        assertThat(store.isComplete(artifact)).isFalse();
        assertThat(store.publishFolder(Samples.folder(temp), new TreeMap<>())).isEqualTo(artifact);
        assertThat(store.isComplete(artifact)).isTrue();
    }

    @Test
    void aStagesOutputBecomesTheStoresOwnWithoutACopyAndIsYoung() throws Exception {
        Path folder = Samples.folder(temp);
        Path file = folder.resolve("sub/weights.bin");
        assumeTrue(file.getFileSystem().supportedFileAttributeViews().contains("unix"), "skipped: no hard links here");
        Object written = Files.getAttribute(file, "unix:ino");
        Files.setLastModifiedTime(
                file, FileTime.from(Files.getLastModifiedTime(file).toInstant().minus(Duration.ofDays(9))));

        store.publishFolder(folder, new TreeMap<>());

        Path blob = blob(Digest.of("weights"));
        assertThat(Files.getAttribute(blob, "unix:ino")).isEqualTo(written);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(blob)))
                .doesNotContain("w");
        Inventory.Blob listed = listed(Digest.of("weights"));
        assertThat(listed.age()).isLessThan(Duration.ofDays(1));
        assertThat(store.publishFolder(folder, new TreeMap<>())).isNotNull();
        assertThat(Files.getAttribute(blob, "unix:ino")).isEqualTo(written);
    }

    @Test
    void aFileWhoseDigestItsWriterKnowsIsNotReadAgain() throws Exception {
        Path folder = Samples.folder(temp);
        Path file = folder.resolve("sub/weights.bin");
        assumeTrue(file.getFileSystem().supportedFileAttributeViews().contains("unix"), "skipped: no hard links here");
        // Only who reads the file can tell that this is not its digest.
        Digest told = Digest.of("told");

        ArtifactRef artifact = store.publishFolder(folder, new TreeMap<>(), Map.of(file.toAbsolutePath(), told));

        assertThat(store.manifest(artifact).files())
                .extracting(Manifest.Entry::sha256)
                .contains(told);
        assertThat(store.isComplete(artifact)).isFalse();
        assertThatThrownBy(() -> store.checkOut(artifact, temp.resolve("out")))
                .isInstanceOf(DamagedFileException.class);
    }

    private Inventory.Blob listed(Digest digest) throws IOException, InterruptedException {
        List<Inventory.Blob> blobs = new ArrayList<>();
        store.inventory().blobs(blobs::add);
        return blobs.stream()
                .filter(blob -> blob.digest().equals(digest))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aFileWithAnotherNameIsCopiedSinceItMayBeAUsers() throws IOException {
        Path folder = Samples.folder(temp);
        Path file = folder.resolve("sub/weights.bin");
        Path users = temp.resolve("users-own.bin");
        try {
            Files.createLink(users, file);
        } catch (UnsupportedOperationException e) {
            assumeTrue(false, "skipped: no hard links here");
        }

        store.publishFolder(folder, new TreeMap<>());
        Files.writeString(users, "changed");

        assertThat(blob(Digest.of("weights"))).hasContent("weights");
    }

    @Test
    void aBlobWhoseBytesChangedIsIncompleteAndIsMendedByTheNextPut() throws IOException {
        ArtifactRef artifact = store.publishFolder(Samples.folder(temp), new TreeMap<>());
        damage(Digest.of("weights"), "wEights");

        assertThat(store.isComplete(artifact)).isFalse();
        assertThat(store.publishFolder(Samples.folder(temp), new TreeMap<>())).isEqualTo(artifact);
        assertThat(store.isComplete(artifact)).isTrue();
        assertThat(blob(Digest.of("weights"))).hasContent("weights");
    }

    @Test
    void anArtifactWithoutItsManifestIsIncomplete() throws IOException {
        ArtifactRef artifact = store.publishFolder(Samples.folder(temp), new TreeMap<>());
        Files.delete(blob(artifact.manifest()));

        assertThat(store.isComplete(artifact)).isFalse();
    }

    @Test
    void aCheckedOutFileIsTheBlobItself() throws IOException {
        ArtifactRef artifact = store.publishFolder(Samples.folder(temp), new TreeMap<>());

        Path out = store.checkOut(artifact, temp.resolve("out"));

        assertThat(Files.isSameFile(out.resolve("sub/weights.bin"), blob(Digest.of("weights"))))
                .isTrue();
    }

    @Test
    void aBigBlobIsHashedAgainOnceItChanged() throws IOException {
        byte[] content = new byte[5 << 20];
        Path folder = Files.createDirectories(temp.resolve("big"));
        Files.write(folder.resolve("model.safetensors"), content);
        ArtifactRef artifact = store.publishFolder(folder, new TreeMap<>());
        store.checkOut(artifact, temp.resolve("out"));
        store.checkOut(artifact, temp.resolve("out"));

        Path blob = blob(Digest.of(content));
        content[4 << 20] = 1;
        Files.write(temp.resolve("changed"), content);
        Files.move(temp.resolve("changed"), blob, StandardCopyOption.ATOMIC_MOVE);

        assertThatThrownBy(() -> store.checkOut(artifact, temp.resolve("out")))
                .isInstanceOf(DamagedFileException.class);
    }

    @Override
    void overwriteResult(JobKey key, String content) throws IOException {
        Files.writeString(temp.resolve("store/results/" + key + ".json"), content);
    }

    private static String unsealed(String result) {
        return result.replaceFirst("\\.[0-9a-f]{64}\"}", "\"}");
    }

    @Test
    void aDamagedResultIsAnErrorThatNamesTheFile() throws IOException {
        JobResult result = Samples.result(key("a"), "w");
        store.commit(result);
        Path file = temp.resolve("store/results/" + key("a") + ".json");
        String good = unsealed(Files.readString(file));
        List<String> damaged = List.of(
                "",
                "{}",
                good.substring(0, good.length() / 2),
                good + good,
                "[".repeat(100_000),
                good.replace("millrace-result/1", "millrace-result/2"),
                good.replace("\"size-bytes\":123", "\"size-bytes\":\"123\""),
                good.replace("\"size-bytes\":123", "\"size-bytes\":123,\"more\":1"),
                good.replace("PT1.234S", "soon"),
                good.replace("\"samples\":4096,", ""),
                good.replace("\"device\":\"cpu\"", "\"device\":\"C P U\""),
                good.replace("\"value\":7.25", "\"value\":1e999"));

        for (String content : damaged) {
            assertThat(content).isNotEqualTo(good);
            Files.writeString(file, content);

            assertThatThrownBy(() -> store.result(key("a")))
                    .as(content)
                    .isInstanceOf(DamagedFileException.class)
                    .hasMessageContaining(file.toString())
                    .hasMessageContaining("delete the file");
        }
    }

    @Test
    void noBitOfAResultIsLostWithoutAWord() throws IOException {
        JobResult result = Samples.result(key("a"), "w");
        store.commit(result);
        Path file = temp.resolve("store/results/" + key("a") + ".json");
        byte[] good = Files.readAllBytes(file);

        for (int i = 0; i < good.length; i++) {
            byte[] bad = good.clone();
            bad[i] ^= (byte) (1 << i % 8);
            Files.write(file, bad);
            try {
                // What is left is a writer, if the damage is in the seal itself and makes it none.
                JobResult found = store.result(key("a")).orElseThrow();
                assertThat(new JobResult(
                                found.key(),
                                found.output(),
                                found.sizeBytes(),
                                found.measurements(),
                                found.cost(),
                                "w"))
                        .isEqualTo(result);
            } catch (DamagedFileException e) {
                assertThat(e).hasMessageContaining(file.toString());
            }
        }
    }

    @Test
    void aResultOfAVersionThatDidNotSealIsRead() throws IOException {
        JobResult result = Samples.result(key("a"), "w");
        store.commit(result);
        Path file = temp.resolve("store/results/" + key("a") + ".json");
        Files.writeString(file, unsealed(Files.readString(file)));

        assertThat(Files.readString(file)).endsWith("\"writer\":\"w\"}\n");
        assertThat(store.result(key("a"))).contains(result);
        assertThat(store.dropUnreadableResult(key("a"))).isEmpty();
    }

    @Test
    void aDamagedClaimCountsAsNone() throws IOException {
        Claim claim = new Claim(key("a"), "h", 1, 0);
        store.replaceClaim(Optional.empty(), claim);
        Files.writeString(temp.resolve("store/claims/" + key("a") + ".json"), "");

        assertThat(store.claim(key("a"))).isEmpty();
        assertThat(store.replaceClaim(Optional.empty(), claim)).isTrue();
    }

    @Test
    void leftoversAreDeletedWhenTheyAreADayOld() throws IOException {
        Path fresh = Files.writeString(temp.resolve("store/tmp/fresh.tmp"), "half");
        Path old = Files.writeString(temp.resolve("store/tmp/old.tmp"), "half");
        FileTime yesterday = FileTime.from(Files.getLastModifiedTime(fresh)
                .toInstant()
                .minus(Duration.ofDays(1).plusMinutes(1)));
        Files.setLastModifiedTime(old, yesterday);

        FolderStore.open(temp.resolve("store")).close();

        assertThat(old).doesNotExist();
        assertThat(fresh).exists();
        try (var files = Files.list(temp.resolve("store/tmp"))) {
            assertThat(files).containsExactly(fresh);
        }
    }

    @Test
    void aFullDiskIsSaidAndLeavesNothingBehind() throws IOException {
        assumeTrue(Files.exists(Path.of("/dev/full")), "skipped: this system has no /dev/full");
        List<Path> created = new ArrayList<>();
        FolderStore full = FolderStore.open(temp.resolve("full"), new Disk() {
            @Override
            FileOutputStream create(Path file) throws IOException {
                Files.writeString(file, "as far as it went");
                created.add(file);
                return new FileOutputStream("/dev/full");
            }
        });

        assertThatThrownBy(() -> full.put(bytes("content")))
                .isInstanceOf(DiskFullException.class)
                .hasMessageEndingWith(": no space left on its disk")
                .hasCauseInstanceOf(IOException.class);
        assertThatThrownBy(() -> full.commit(Samples.result(key("a"), "w"))).isInstanceOf(DiskFullException.class);
        assertThat(created).hasSize(2).allMatch(Files::notExists);
        assertThat(full.result(key("a"))).isEmpty();
    }

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
                        "name 2 " + key("a") + ".json",
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

    /** Its blobs may be all that is left of a model that is wanted. */
    @Test
    void whereAManifestIsDamagedNoBlobIsCollected() throws Exception {
        ArtifactRef artifact = store.publishFolder(Samples.folder(temp), new TreeMap<>());
        damage(artifact.manifest(), "{");
        GarbageCollection collection = new GarbageCollection(
                store,
                () -> new GarbageCollection.Wanted(Set.of(artifact.manifest()), Set.of()),
                StoreCareContract.ALL_OLD,
                false);

        assertThatThrownBy(() -> collection.run((_, _, _) -> {}))
                .isInstanceOf(DamagedFileException.class)
                .hasMessageContaining(artifact.manifest().hex())
                .hasMessageContaining("millrace store verify");

        assertThat(store.contains(Digest.of("weights"))).isTrue();
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

    @Test
    @Tag("promise-2")
    @DisplayName("Promise 2: a blob that is put again is not collected before its result is committed")
    void anOldBlobThatIsPutAgainIsYoung() throws Exception {
        Digest old = store.put(bytes("content"));
        Digest other = store.put(bytes("other"));
        age(old, Duration.ofDays(8));
        age(other, Duration.ofDays(8));
        List<Inventory.Blob> listed = new ArrayList<>();
        store.inventory().blobs(listed::add);

        store.put(bytes("content"));
        for (Inventory.Blob blob : listed) {
            store.inventory().delete(List.of(blob), Duration.ofDays(7));
        }

        assertThat(listed).extracting(Inventory.Blob::age).allMatch(age -> age.toDays() == 8);
        assertThat(store.contains(old)).isTrue();
        assertThat(store.contains(other)).isFalse();
    }

    private void age(Digest digest, Duration age) throws IOException {
        FileTime now = Files.getLastModifiedTime(blob(digest));
        Files.setLastModifiedTime(blob(digest), FileTime.from(now.toInstant().minus(age)));
    }

    @Test
    void everyDamageIsFoundWithWhatNeedsIt() throws Exception {
        ArtifactRef artifact = store.publishFolder(Samples.folder(temp), new TreeMap<>());
        store.commit(Samples.result(key("a"), artifact, "w"));
        store.commit(Samples.result(key("b"), artifact, "w"));
        Path unreadable = temp.resolve("store/results/" + key("b") + ".json");
        damage(Digest.of("weights"), "wEights");
        Files.writeString(unreadable, "{");
        Path temporary = Files.writeString(temp.resolve("store/tmp/half.tmp"), "half");
        Files.writeString(temp.resolve("store/blobs/README"), "not ours");

        StoreCheck.Report report = new StoreCheck(store, (_, _, _) -> {}, new PassingTime()).run(List.of());

        assertThat(report.damages())
                .extracting(StoreCheck.Damage::place)
                .containsExactly(
                        unreadable.toString(), blob(Digest.of("weights")).toString());
        assertThat(report.damages())
                .extracting(StoreCheck.Damage::neededBy)
                .containsExactly(List.of(key("b")), List.of(key("a")));
        assertThat(report.leftovers()).extracting(Inventory.Leftover::name).containsExactly(temporary.toString());
    }
}
