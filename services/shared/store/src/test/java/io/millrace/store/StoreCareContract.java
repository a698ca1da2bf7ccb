package io.millrace.store;

import static io.millrace.store.Samples.bytes;
import static io.millrace.store.Samples.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import io.millrace.store.GarbageCollection.Collected;
import io.millrace.store.GarbageCollection.Wanted;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What every adapter promises to those who look after it: what is wanted stays, what is not goes, damage is named. */
abstract class StoreCareContract extends ArtifactStoreContract {
    /** Everything is older; a server tells times in whole seconds. */
    static final Duration ALL_OLD = Duration.ofSeconds(-5);

    private static final Duration ALL_YOUNG = Duration.ofDays(1);
    private static final StoreCheck.Progress SILENT = (_, _, _) -> {};

    /** An artifact of a file of its own and one that all have in common. */
    private ArtifactRef artifact(String name) throws IOException {
        Path folder = Files.createDirectories(temp.resolve("made-" + name));
        Files.writeString(folder.resolve("tokenizer.json"), "the same for all");
        Files.writeString(folder.resolve("weights.bin"), "weights of " + name);
        return store.publishFolder(folder, new TreeMap<>());
    }

    JobResult committed(String name) throws IOException {
        return store.commit(Samples.result(key(name), artifact(name), "w-" + name))
                .standing();
    }

    private static Wanted wanted(JobKey... keys) {
        return new Wanted(Set.of(), Set.of(keys));
    }

    private Collected collect(Duration grace, GarbageCollection.Roots roots) throws Exception {
        return new GarbageCollection(store, roots, grace, false).run(SILENT);
    }

    private StoreCheck.Report check() throws Exception {
        return new StoreCheck(store, SILENT, new PassingTime()).run(List.of());
    }

    @Test
    void whatNothingNamesGoesAndWhatIsWantedStays() throws Exception {
        JobResult ofALiveRun = committed("live");
        JobResult published = committed("published");
        JobResult old = committed("old");
        ArtifactRef text = artifact("text");
        // The last of all blobs.
        Digest orphan = store.put(namedLike("ff"));
        Wanted wanted = new Wanted(
                Set.of(published.output().manifest(), text.manifest(), Digest.of("a checkpoint elsewhere")),
                Set.of(ofALiveRun.key(), key("not finished yet")));

        Collected collected = collect(ALL_OLD, () -> wanted);

        assertThat(store.result(old.key())).isEmpty();
        assertThat(store.contains(orphan)).isFalse();
        assertThat(store.contains(Digest.of("weights of old"))).isFalse();
        assertThat(store.contains(old.output().manifest())).isFalse();
        assertThat(store.result(ofALiveRun.key())).contains(ofALiveRun);
        assertThat(store.result(published.key())).contains(published);
        for (ArtifactRef kept : List.of(ofALiveRun.output(), published.output(), text)) {
            assertThat(store.isComplete(kept)).isTrue();
        }
        assertThat(collected.results()).isOne();
        assertThat(collected.blobs()).isEqualTo(3);
        assertThat(collected.blobsKept()).isEqualTo(7);
        assertThat(check().whole()).isTrue();
    }

    @Test
    void whatIsYoungerThanTheGracePeriodStays() throws Exception {
        committed("wanted");
        JobResult young = committed("young");
        Digest orphan = store.put(bytes("its result is about to be committed"));

        for (boolean dryRun : new boolean[] {true, false}) {
            Collected collected =
                    new GarbageCollection(store, () -> wanted(key("wanted")), ALL_YOUNG, dryRun).run(SILENT);

            assertThat(collected.results()).isZero();
            assertThat(collected.blobs()).isZero();
        }
        assertThat(store.result(young.key())).contains(young);
        assertThat(store.contains(orphan)).isTrue();
    }

    @Test
    @Tag("promise-2")
    @DisplayName("Promise 2: a blob that was put since it was listed is not deleted")
    void aBlobThatWasPutSinceItWasListedIsNotDeleted() throws Exception {
        Digest blob = store.put(bytes("content"));
        Inventory.Blob listed = new Inventory.Blob(blob, 7, ALL_YOUNG.multipliedBy(2));

        assertThat(store.inventory().delete(List.of(listed), ALL_YOUNG)).isEmpty();

        assertThat(store.contains(blob)).isTrue();
    }

    @Test
    void onlyTheBlobsThatAreNamedAreDeletedOfThoseWithTheSameFirstDigits() throws Exception {
        Digest blob = store.put(bytes("content"));
        Digest neighbour = store.put(namedLike(blob.hex().substring(0, 2)));

        delete(blob);

        assertThat(store.contains(blob)).isFalse();
        assertThat(store.contains(neighbour)).isTrue();
    }

    /** A content whose digest begins with these digits. */
    private static byte[] namedLike(String twoDigits) {
        int number = 0;
        while (!Digest.of("content " + number).hex().startsWith(twoDigits)) {
            number++;
        }
        return bytes("content " + number);
    }

    @Test
    void aDryRunSaysWhatWouldGoAndTakesNothing() throws Exception {
        ArtifactRef root = committed("wanted").output();
        JobResult old = committed("old");
        Wanted wanted = new Wanted(Set.of(root.manifest()), Set.of());

        Collected would = new GarbageCollection(store, () -> wanted, ALL_OLD, true).run(SILENT);

        assertThat(store.result(old.key())).contains(old);
        assertThat(store.isComplete(old.output())).isTrue();
        assertThat(would).isEqualTo(collect(ALL_OLD, () -> wanted));
        assertThat(would.results()).isOne();
        assertThat(would.blobs()).isEqualTo(2);
    }

    @Test
    @Tag("promise-2")
    @DisplayName("Promise 2: a result that a worker answers from while it is collected keeps its artifact")
    void aResultThatIsReusedWhileItIsCollectedStaysWithItsArtifact() throws Exception {
        ArtifactRef root = artifact("text");
        JobResult old = committed("old");
        List<JobKey> liveRuns = new ArrayList<>();
        List<JobResult> answered = new ArrayList<>();

        collect(ALL_OLD, () -> {
            Wanted wanted = new Wanted(Set.of(root.manifest()), Set.copyOf(liveRuns));
            if (answered.isEmpty()) {
                // Right after this reading of the runs: a run asks for the job, then a worker looks for its result.
                liveRuns.add(old.key());
                JobResult found = store.result(old.key()).orElseThrow();
                assertThat(store.isComplete(found.output())).isTrue();
                answered.add(found);
            }
            return wanted;
        });

        assertThat(answered).containsExactly(old);
        assertThat(store.isComplete(answered.getFirst().output())).isTrue();
        assertThat(store.result(old.key())).contains(old);
    }

    @Test
    void aResultThatIsCommittedWhileOthersAreCollectedStays() throws Exception {
        ArtifactRef root = artifact("text");
        List<JobResult> late = new ArrayList<>();

        collect(ALL_OLD, () -> {
            late.add(committed("late " + late.size()));
            return new Wanted(Set.of(root.manifest()), Set.of(key("late 0")));
        });

        for (JobResult result : late) {
            assertThat(store.isComplete(result.output())).isTrue();
        }
    }

    @Test
    void rootsThatNameNothingOfThisStoreAreAnotherMillraces() throws Exception {
        JobResult result = committed("other");

        assertThatThrownBy(() -> collect(ALL_OLD, () -> new Wanted(Set.of(Digest.of("elsewhere")), Set.of())))
                .isInstanceOf(ForeignStoreException.class)
                .hasMessageContaining("is it the store of this Kafka and topic prefix?");
        assertThat(store.isComplete(store.result(result.key()).orElseThrow().output()))
                .isTrue();
    }

    @Test
    void onlyResultsThatStandAreListed() throws Exception {
        JobResult first = committed("a");
        store.dropResult(first);
        assertThat(store.inventory().results()).isEmpty();

        store.commit(Samples.result(key("a"), first.output(), "again"));
        committed("b");

        assertThat(store.inventory().results())
                .extracting(Inventory.Result::key)
                .containsExactlyInAnyOrder(key("a"), key("b"));
    }

    @Test
    void aWholeStoreIsWhole() throws Exception {
        committed("a");
        committed("b");

        StoreCheck.Report report = check();

        assertThat(report.whole()).isTrue();
        assertThat(report.blobs()).isEqualTo(5);
        assertThat(report.results()).isEqualTo(2);
        assertThat(report.leftovers()).isEmpty();
        assertThat(report.abandoned()).isEmpty();
    }

    @Test
    void aMissingBlobIsNamedWithTheResultsThatNeedIt() throws Exception {
        committed("a");
        committed("b");
        Digest shared = Digest.of("the same for all");
        Digest manifest = artifact("a").manifest();
        delete(shared);
        delete(manifest);

        StoreCheck.Report report = check();

        assertThat(report.whole()).isFalse();
        assertThat(report.damages())
                .extracting(StoreCheck.Damage::place)
                .containsExactlyInAnyOrder(
                        store.inventory().place(shared), store.inventory().place(manifest));
        assertThat(report.damages())
                .filteredOn(damage -> damage.place().contains(shared.hex()))
                .singleElement()
                .satisfies(damage -> {
                    assertThat(damage.missing()).isTrue();
                    assertThat(damage.found()).contains("is missing", "'tokenizer.json'");
                    assertThat(damage.neededBy()).containsExactly(key("b"));
                    assertThat(damage.artifacts()).containsExactly(artifact("b").manifest());
                });
    }

    @Test
    void anArtifactThatMustBeThereIsMissedThoughNoResultHasIt() throws Exception {
        committed("a");
        ArtifactRef gone = ArtifactRef.inStore(Digest.of("a manifest"));
        ArtifactRef inPlace = new ArtifactRef(artifact("a").manifest(), URI.create("file:///elsewhere/"));

        StoreCheck.Report report =
                new StoreCheck(store, SILENT, new PassingTime()).run(List.of(artifact("a"), gone, inPlace));

        assertThat(report.damages()).singleElement().satisfies(damage -> {
            assertThat(damage.place()).isEqualTo(store.inventory().place(gone.manifest()));
            assertThat(damage.missing()).isTrue();
            assertThat(damage.neededBy()).isEmpty();
            assertThat(damage.artifacts()).containsExactly(gone.manifest());
        });
    }

    private void delete(Digest blob) throws Exception {
        Inventory.Blob found = new Inventory.Blob(blob, 0, Duration.ZERO);
        assertThat(store.inventory().delete(List.of(found), ALL_OLD)).containsExactly(found);
    }

    @Test
    void aClaimWithoutAHolderIsListedAndOneThatMovesIsNot() throws Exception {
        Claim dead = new Claim(key("dead"), "gone", 1, 7);
        Claim alive = new Claim(key("alive"), "here", 1, 7);
        store.replaceClaim(Optional.empty(), dead);
        store.replaceClaim(Optional.empty(), alive);

        StoreCheck.Report report = new StoreCheck(store, SILENT, new PassingTime() {
                    @Override
                    public void pause(Duration duration) {
                        beat(alive);
                        super.pause(duration);
                    }
                })
                .run(List.of());

        assertThat(report.abandoned()).containsExactly(dead);
        assertThat(report.whole()).isTrue();
    }

    private void beat(Claim claim) {
        try {
            Claim next = new Claim(claim.key(), claim.holder(), claim.starts(), claim.beat() + 1);
            assertThat(store.replaceClaim(Optional.of(claim), next)).isTrue();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
