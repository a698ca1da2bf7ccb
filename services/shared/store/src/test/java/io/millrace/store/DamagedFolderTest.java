package io.millrace.store;

import static io.millrace.store.Samples.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** What is noticed of files that changed, broke off or went, and what is done about them. */
class DamagedFolderTest extends FolderStoreFixture {
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

    @Test
    void aBlobThatWasCutOffIsIncompleteAndIsMendedByTheNextPut() throws IOException {
        ArtifactRef artifact = store.publishFolder(Samples.folder(temp), new TreeMap<>());
        damage(Digest.of("weights"), "weig");

        assertThat(store.isComplete(artifact)).isFalse();
        assertThat(store.publishFolder(Samples.folder(temp), new TreeMap<>())).isEqualTo(artifact);
        assertThat(store.isComplete(artifact)).isTrue();
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

    @Test
    void aDamagedManifestIsNamedWithTheResultsThatNeedIt() throws Exception {
        ArtifactRef artifact = store.publishFolder(Samples.folder(temp), new TreeMap<>());
        store.commit(Samples.result(key("a"), artifact, "w"));
        damage(artifact.manifest(), "{");

        StoreCheck.Report report = new StoreCheck(store, (_, _, _) -> {}, new PassingTime()).run(List.of());

        assertThat(report.damages()).singleElement().satisfies(damage -> {
            assertThat(damage.place()).isEqualTo(blob(artifact.manifest()).toString());
            assertThat(damage.missing()).isFalse();
            assertThat(damage.neededBy()).containsExactly(key("a"));
            assertThat(damage.artifacts()).containsExactly(artifact.manifest());
        });
    }

    private void damage(Digest digest, String content) throws IOException {
        Files.delete(blob(digest));
        Files.writeString(blob(digest), content);
    }

    private static String unsealed(String result) {
        return result.replaceFirst("\\.[0-9a-f]{64}\"}", "\"}");
    }
}
