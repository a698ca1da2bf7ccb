package io.millrace.store;

import static io.millrace.store.Samples.bytes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Digest;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** When a blob is the very file that was put or is checked out, when a copy, and when it is read again. */
class FolderBlobsTest extends FolderStoreFixture {
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

        ArtifactRef artifact = store.publishFolder(folder, new TreeMap<>(), Map.of(file.toAbsolutePath(), told))
                .artifact();

        assertThat(store.manifest(artifact).files())
                .extracting(Manifest.Entry::sha256)
                .contains(told);
        assertThat(store.isComplete(artifact)).isFalse();
        assertThatThrownBy(() -> store.checkOut(artifact, temp.resolve("out")))
                .isInstanceOf(DamagedFileException.class);
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

    /** A job whose result did not fit any more stores its output again and again: that must not need room for all of it. */
    @Test
    void whatIsPutAgainIsNotCopiedAlsoIfItsOtherNameIsTheStoresOwn() throws IOException {
        List<Path> written = new ArrayList<>();
        FolderStore counted = FolderStore.open(temp.resolve("counted"), new Disk() {
            @Override
            FileOutputStream create(Path file) throws IOException {
                written.add(file);
                return super.create(file);
            }
        });
        Path folder = Samples.folder(temp);
        assumeTrue(
                folder.getFileSystem().supportedFileAttributeViews().contains("unix"), "skipped: no hard links here");
        ArtifactRef first = counted.publishFolder(folder, new TreeMap<>());
        Path weights = folder.resolve("sub/weights.bin").toAbsolutePath();

        for (Map<Path, Digest> known : List.of(Map.<Path, Digest>of(), Map.of(weights, Digest.of("weights")))) {
            written.clear();

            assertThat(counted.publishFolder(folder, new TreeMap<>(), known).artifact())
                    .isEqualTo(first);

            assertThat(written).as("the manifest").hasSize(1);
        }
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

    private Inventory.Blob listed(Digest digest) throws IOException, InterruptedException {
        List<Inventory.Blob> blobs = new ArrayList<>();
        store.inventory().blobs(blobs::add);
        return blobs.stream()
                .filter(blob -> blob.digest().equals(digest))
                .findFirst()
                .orElseThrow();
    }

    private void age(Digest digest, Duration age) throws IOException {
        FileTime now = Files.getLastModifiedTime(blob(digest));
        Files.setLastModifiedTime(blob(digest), FileTime.from(now.toInstant().minus(age)));
    }
}
