package io.millrace.store;

import static io.millrace.store.Samples.bytes;
import static io.millrace.store.Samples.key;
import static java.nio.file.Files.writeString;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.ArtifactRef;
import io.millrace.events.CanonicalJson;
import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What every adapter promises. */
abstract class ArtifactStoreContract {
    @TempDir
    Path temp;

    ArtifactStore store;

    /** An empty store. */
    abstract ArtifactStore create(Path temp) throws IOException;

    @BeforeEach
    void open() throws IOException {
        store = create(temp);
    }

    @Test
    void aBlobIsNamedByItsDigestAndReadBack() throws IOException {
        Digest fromBytes = store.put(bytes("content"));
        Digest fromFile = store.put(writeString(temp.resolve("file"), "content"));

        assertThat(fromBytes).isEqualTo(Digest.of("content")).isEqualTo(fromFile);
        assertThat(store.contains(fromBytes)).isTrue();
        assertThat(store.sizeBytes(fromBytes)).contains(7L);
        try (InputStream in = store.open(fromBytes)) {
            assertThat(in.readAllBytes()).isEqualTo(bytes("content"));
        }
    }

    @Test
    void whatIsSkippedOfABlobIsVerifiedWithTheRest() throws IOException {
        Digest blob = store.put(bytes("content"));

        try (InputStream in = store.open(blob)) {
            in.skipNBytes(3);
            assertThat(in.readAllBytes()).isEqualTo(bytes("tent"));
        }
    }

    @Test
    void anEmptyBlobIsABlob() throws IOException {
        Digest empty = store.put(new byte[0]);

        try (InputStream in = store.open(empty)) {
            assertThat(in.readAllBytes()).isEmpty();
        }
        assertThat(store.sizeBytes(empty)).contains(0L);
    }

    @Test
    void whoPutsAFileIsToldHowMuchOfItIsStored() throws IOException {
        byte[] content = new byte[9 << 20];
        new Random(20261130).nextBytes(content);
        Path file = Files.write(temp.resolve("weights.bin"), content);
        List<Long> told = new ArrayList<>();

        Digest blob = store.put(file, told::add);

        assertThat(blob).isEqualTo(Digest.of(content));
        assertThat(store.sizeBytes(blob)).contains((long) content.length);
        assertThat(told).isSorted().endsWith((long) content.length);
    }

    @Test
    void aBlobThatIsNotThereIsNamed() throws IOException {
        store.put(bytes("another"));
        Digest absent = Digest.of("absent");

        assertThat(store.contains(absent)).isFalse();
        assertThatThrownBy(() -> store.open(absent))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining(absent.hex());
    }

    @Test
    void aFolderIsPublishedAndCheckedOutAsItWas() throws IOException {
        ArtifactRef artifact = store.publishFolder(Samples.folder(temp), new TreeMap<>(Map.of("stage", "quantize")));

        Path out = store.checkOut(artifact, temp.resolve("out"));

        assertThat(out.resolve("config.json")).hasContent("{}");
        assertThat(out.resolve("empty.txt")).isEmptyFile();
        assertThat(out.resolve("sub/weights.bin")).hasContent("weights");
        Manifest manifest = store.manifest(artifact);
        assertThat(manifest.metadata()).containsEntry("stage", "quantize");
        assertThat(manifest.files())
                .extracting(Manifest.Entry::name)
                .containsExactly("config.json", "empty.txt", "sub/weights.bin");
        assertThat(manifest.sizeBytes()).isEqualTo(9);
        assertThat(store.isComplete(artifact)).isTrue();
    }

    @Test
    void theSameFilesAreTheSameArtifactWhereverTheyLie() throws IOException {
        ArtifactRef one = store.publishFolder(Samples.folder(temp.resolve("a")), new TreeMap<>());
        ArtifactRef two = store.publishFolder(Samples.folder(temp.resolve("b")), new TreeMap<>());

        assertThat(one).isEqualTo(two);
    }

    @Test
    void checkedOutFilesAreReadOnlyAndReplaceLeftovers() throws IOException {
        ArtifactRef artifact = store.publishFolder(Samples.folder(temp), new TreeMap<>());
        Path leftover = Files.createDirectories(temp.resolve("out")).resolve("config.json");
        Files.writeString(leftover, "half a fi");

        store.checkOut(artifact, temp.resolve("out"));
        store.checkOut(artifact, temp.resolve("out"));

        assertThat(leftover).hasContent("{}");
        assertThat(Files.getPosixFilePermissions(leftover))
                .noneMatch(permission -> permission.name().endsWith("WRITE"));
    }

    @Test
    void aSymbolicLinkInAFolderIsRefused() throws IOException {
        Path folder = Samples.folder(temp);
        Files.createSymbolicLink(folder.resolve("link"), writeString(temp.resolve("secret"), "secret"));

        assertThatThrownBy(() -> store.publishFolder(folder, new TreeMap<>()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("link")
                .hasMessageContaining("symbolic link");
    }

    @Test
    void aManifestNeedsItsBlobs() {
        Manifest manifest = new Manifest(
                List.of(new Manifest.Entry("file", 1, Digest.of("absent"), "text/plain")), new TreeMap<>());

        assertThatThrownBy(() -> store.publish(manifest))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("'file'");
    }

    @Test
    @Tag("promise-6")
    @DisplayName("Promise 6: a manifest whose file names lead outside its folder is refused")
    void aManifestWhoseNamesLeaveTheFolderIsRefused() throws IOException {
        Digest blob = store.put(bytes("x"));
        for (String name : List.of("../x", "/x", "a/../../x", "a//x", "a\\..\\x", "", ".", "a/./x", "x\0")) {
            Map<String, Object> file =
                    Map.of("name", name, "size", 1, "sha256", blob.hex(), "media-type", "text/plain");
            String json = CanonicalJson.write(Map.of("files", List.of(new TreeMap<>(file)), "metadata", Map.of()));
            ArtifactRef hostile = ArtifactRef.inStore(store.put(bytes(json)));

            assertThatThrownBy(() -> store.checkOut(hostile, temp.resolve("out")))
                    .as(name)
                    .isInstanceOf(DamagedFileException.class)
                    .hasMessageContaining("could leave the artifact's folder");
        }
    }

    @Test
    void aManifestThatIsNotSpelledCanonicallyIsRefused() throws IOException {
        for (String json : List.of(
                "{\"files\":[], \"metadata\":{}}",
                "{\"files\":[],\"metadata\":{},\"more\":1}",
                "{\"files\":[]}",
                "{\"files\":[],\"files\":[],\"metadata\":{}}",
                "{\"files\":[],\"metadata\":{}} x",
                "[]",
                "",
                "\u0000")) {
            ArtifactRef hostile = ArtifactRef.inStore(store.put(bytes(json)));

            assertThatThrownBy(() -> store.manifest(hostile)).as(json).isInstanceOf(DamagedFileException.class);
        }
    }

    @Test
    void aResultIsReadBackInEveryField() throws IOException {
        JobResult result = Samples.result(key("a"), "w1");

        Commit commit = store.commit(result);

        assertThat(commit).isEqualTo(new Commit.Won(result));
        assertThat(store.result(key("a"))).contains(result);
        assertThat(store.result(key("b"))).isEmpty();
    }

    @Test
    @Tag("promise-2")
    @DisplayName("Promise 2: the second writer of a key loses and sees the first")
    void theSecondWriterLosesAndSeesTheFirst() throws IOException {
        JobResult first = Samples.result(key("a"), "w1");
        store.commit(first);

        Commit second = store.commit(Samples.result(key("a"), "w2"));

        assertThat(second).isEqualTo(new Commit.Lost(first));
    }

    @Test
    void aWriterWhoseAnswerWasLostHasWon() throws IOException {
        JobResult first = Samples.result(key("a"), "w1");
        store.commit(first);

        assertThat(store.commit(first)).isEqualTo(new Commit.Won(first));
    }

    @Test
    void onlyTheStandingResultIsDropped() throws IOException {
        JobResult first = Samples.result(key("a"), "w1");
        JobResult second = Samples.result(key("a"), "w2");
        store.commit(first);

        assertThat(store.dropResult(second)).isFalse();
        assertThat(store.dropResult(first)).isTrue();
        assertThat(store.dropResult(first)).isFalse();
        assertThat(store.commit(second)).isEqualTo(new Commit.Won(second));
    }

    @Test
    void ofManyThreadsOneWinsAndAllSeeIt() throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            for (int round = 0; round < 10; round++) {
                JobKey key = key("round " + round);
                List<Callable<Commit>> race = new ArrayList<>();
                for (int writer = 0; writer < 8; writer++) {
                    JobResult result = Samples.result(key, "w" + writer);
                    race.add(() -> store.commit(result));
                }
                List<Commit> commits = new ArrayList<>();
                for (Future<Commit> commit : threads.invokeAll(race)) {
                    commits.add(commit.get());
                }

                assertThat(commits).filteredOn(Commit.Won.class::isInstance).hasSize(1);
                assertThat(commits)
                        .extracting(Commit::standing)
                        .containsOnly(store.result(key).orElseThrow());
            }
        }
    }

    @Test
    void manyThreadsMayPutTheSameBlob() throws Exception {
        byte[] content = new byte[300_000];
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            List<Callable<Digest>> race = new ArrayList<>();
            Path file = Files.write(temp.resolve("file"), content);
            for (int writer = 0; writer < 8; writer++) {
                race.add(() -> store.put(file));
            }
            for (Future<Digest> digest : threads.invokeAll(race)) {
                assertThat(digest.get()).isEqualTo(Digest.of(content));
            }
        }
        try (InputStream in = store.open(Digest.of(content))) {
            assertThat(in.readAllBytes()).isEqualTo(content);
        }
    }

    @Test
    void aClaimIsReplacedOnlyIfItIsTheExpectedOne() throws IOException {
        Claim one = new Claim(key("a"), "one", 1, 0);
        Claim two = new Claim(key("a"), "two", 2, 1);

        assertThat(store.claim(key("a"))).isEmpty();
        assertThat(store.replaceClaim(Optional.of(one), two)).isFalse();
        assertThat(store.replaceClaim(Optional.empty(), one)).isTrue();
        assertThat(store.replaceClaim(Optional.empty(), two)).isFalse();
        assertThat(store.replaceClaim(Optional.of(new Claim(key("a"), "one", 1, 9)), two))
                .isFalse();
        assertThat(store.claim(key("a"))).contains(one);
        assertThat(store.replaceClaim(Optional.of(one), two)).isTrue();
        assertThat(store.claim(key("a"))).contains(two);
        store.dropClaim(key("a"), "one");
        assertThat(store.claim(key("a"))).contains(two);
        store.dropClaim(key("a"), "two");
        assertThat(store.claim(key("a"))).isEmpty();
    }

    @Test
    void noBeatIsLostBetweenManyThreads() throws Exception {
        JobKey key = key("a");
        store.replaceClaim(Optional.empty(), new Claim(key, "h", 1, 0));
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            List<Callable<Integer>> race = new ArrayList<>();
            for (int thread = 0; thread < 8; thread++) {
                race.add(() -> {
                    int raised = 0;
                    for (int i = 0; i < 50; i++) {
                        Claim now = store.claim(key).orElseThrow();
                        Claim next = new Claim(key, "h", now.starts(), now.beat() + 1);
                        raised += store.replaceClaim(Optional.of(now), next) ? 1 : 0;
                    }
                    return raised;
                });
            }
            long raised = 0;
            for (Future<Integer> thread : threads.invokeAll(race)) {
                raised += thread.get();
            }

            assertThat(store.claim(key).orElseThrow().beat()).isEqualTo(raised);
        }
    }

    @Test
    void aCheckpointStaysInItsPlace() throws IOException {
        Path folder = Samples.folder(temp);
        ArtifactRef checkpoint = inPlace(folder);
        Files.writeString(folder.resolve("optimizer.log"), "a file that was not published");

        assertThat(store.checkOut(checkpoint, temp.resolve("out"))).isEqualTo(folder);
        assertThat(store.isComplete(checkpoint)).isTrue();
        assertThat(temp.resolve("out")).doesNotExist();
    }

    @Test
    void aCheckpointThatChangedIsRefusedWithBothDigests() throws IOException {
        Path folder = Samples.folder(temp);
        ArtifactRef checkpoint = inPlace(folder);
        Files.writeString(folder.resolve("sub/weights.bin"), "Weights");

        assertThatThrownBy(() -> store.checkOut(checkpoint, temp.resolve("out")))
                .isInstanceOf(ChangedFileException.class)
                .hasMessageContaining("weights.bin")
                .hasMessageContaining(Digest.of("weights").hex())
                .hasMessageContaining(Digest.of("Weights").hex())
                .hasMessageContaining("publish it again");
    }

    @Test
    void aCheckpointThatGrewIsRefusedBySize() throws IOException {
        Path folder = Samples.folder(temp);
        ArtifactRef checkpoint = inPlace(folder);
        Files.writeString(folder.resolve("sub/weights.bin"), "weights and more");

        assertThatThrownBy(() -> store.checkOut(checkpoint, temp.resolve("out")))
                .isInstanceOf(ChangedFileException.class)
                .hasMessageContaining("16 bytes, expected 7");
        assertThat(store.isComplete(checkpoint)).isFalse();
    }

    @Test
    void aCheckpointFileThatIsGoneIsNamed() throws IOException {
        Path folder = Samples.folder(temp);
        ArtifactRef checkpoint = inPlace(folder);
        Files.delete(folder.resolve("config.json"));

        assertThatThrownBy(() -> store.checkOut(checkpoint, temp.resolve("out")))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("config.json");
        assertThat(store.isComplete(checkpoint)).isFalse();
    }

    @Test
    void aCheckpointFileThatIsNoFileAnyMoreIsRefused() throws IOException {
        Path folder = Samples.folder(temp);
        ArtifactRef checkpoint = inPlace(folder);
        Files.delete(folder.resolve("config.json"));
        Files.createDirectory(folder.resolve("config.json"));

        assertThatThrownBy(() -> store.checkOut(checkpoint, temp.resolve("out")))
                .isInstanceOf(ChangedFileException.class)
                .hasMessageContaining("config.json: is no regular file");
    }

    @Test
    void aCheckpointInAPlaceThatIsNoFolderOfThisMachineIsRefused() throws IOException {
        ArtifactRef elsewhere =
                new ArtifactRef(inPlace(Samples.folder(temp)).manifest(), URI.create("https://models.example/"));

        assertThatThrownBy(() -> store.checkOut(elsewhere, temp.resolve("out")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("'https://models.example/' cannot be read")
                .hasMessageContaining("from the store and from file: folders");
    }

    @Test
    void aCheckpointIsNotReadThroughASymbolicLink() throws IOException {
        Path folder = Samples.folder(temp);
        ArtifactRef checkpoint = inPlace(folder);
        Files.move(folder.resolve("sub"), temp.resolve("elsewhere"));
        Files.createSymbolicLink(folder.resolve("sub"), temp.resolve("elsewhere"));

        assertThatThrownBy(() -> store.checkOut(checkpoint, temp.resolve("out")))
                .isInstanceOf(ChangedFileException.class)
                .hasMessageContaining("symbolic link");
    }

    @Test
    void theSelfCheckPasses() throws InterruptedException {
        assertThat(Conformance.of(store).problems()).isEmpty();
    }

    private ArtifactRef inPlace(Path folder) throws IOException {
        ArtifactRef stored = new MemoryStore().publishFolder(folder, new TreeMap<>());
        List<Manifest.Entry> files = new ArrayList<>();
        for (Map.Entry<String, Path> file : FolderListing.of(folder).entrySet()) {
            Content content = Content.of(file.getValue());
            files.add(new Manifest.Entry(
                    file.getKey(), content.sizeBytes(), content.digest(), FolderListing.mediaType(file.getKey())));
        }
        Digest manifest = store.put(bytes(new Manifest(files, new TreeMap<>()).canonicalJson()));
        assertThat(manifest).isEqualTo(stored.manifest());
        return new ArtifactRef(manifest, folder.toUri());
    }
}
