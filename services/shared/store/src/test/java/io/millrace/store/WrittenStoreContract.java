package io.millrace.store;

import static io.millrace.store.Samples.bytes;
import static io.millrace.store.Samples.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What every adapter promises that writes results down, where they may be spoilt. */
abstract class WrittenStoreContract extends StoreCareContract {
    /** A fault of the disk, or another version: this lies where the result stood. */
    abstract void overwriteResult(JobKey key, String content) throws IOException;

    @Test
    void aResultThatCannotBeReadIsNoneToWhoeverIsAskedForItsJob() throws Exception {
        for (String spoilt : List.of("", "{\"format\":\"millrace-res", "{}", "{\"format\":\"millrace-result/1\"}")) {
            JobResult standing = committed("a");
            overwriteResult(key("a"), spoilt);
            assertThatThrownBy(() -> store.result(key("a"))).isInstanceOf(DamagedFileException.class);

            try (ClaimKeeper keeper = new ClaimKeeper(store, new PassingTime())) {
                Acquired acquired = keeper.acquire(key("a"), "me");
                assertThat(acquired).as(spoilt).isInstanceOf(Acquired.Held.class);
                ((Acquired.Held) acquired).lease().close();
            }

            assertThat(store.commit(standing)).isEqualTo(new Commit.Won(standing));
            assertThat(store.result(key("a"))).contains(standing);
            store.dropResult(standing);
        }
    }

    @Test
    void aResultWithOtherNumbersThanWereCommittedIsNone() throws Exception {
        JobResult standing = committed("a");
        String other = new String(StoredJson.write(standing), StandardCharsets.UTF_8).replace("7.25", "3.25");
        overwriteResult(key("a"), other);

        assertThat(other).contains("\"value\":3.25");
        assertThatThrownBy(() -> store.result(key("a"))).isInstanceOf(DamagedFileException.class);
        assertThat(UsableResult.of(store, key("a"))).isEmpty();
        assertThat(store.commit(standing)).isEqualTo(new Commit.Won(standing));
    }

    @Test
    void workThatWasDoneIsCommittedInPlaceOfAResultThatCannotBeRead() throws IOException {
        committed("a");
        overwriteResult(key("a"), "{");
        JobResult again = Samples.result(key("a"), "w2");

        assertThat(store.commit(again)).isEqualTo(new Commit.Won(again));
        assertThat(store.dropUnreadableResult(key("a"))).isEmpty();
        assertThat(store.result(key("a"))).contains(again);
    }

    @Test
    void aResultThatCannotBeReadKeepsNothingFromBeingCollected() throws Exception {
        JobResult wanted = committed("wanted");
        committed("a");
        overwriteResult(key("a"), "{");
        Digest orphan = store.put(bytes("nobody knows why"));
        GarbageCollection.Wanted roots = new GarbageCollection.Wanted(Set.of(), Set.of(wanted.key()));

        new GarbageCollection(store, () -> roots, ALL_OLD, false).run((_, _, _) -> {});

        assertThat(store.contains(orphan)).isFalse();
        assertThat(store.isComplete(wanted.output())).isTrue();
    }

    @Test
    void aResultOfAnotherVersionStays() throws IOException {
        committed("a");
        overwriteResult(key("a"), "{\"format\":\"millrace-result/2\",\"key\":1}");

        assertThat(store.dropUnreadableResult(key("a"))).isEmpty();
        assertThatThrownBy(() -> store.commit(Samples.result(key("a"), "w2")))
                .isInstanceOf(DamagedFileException.class)
                .hasMessageContaining("another version");
    }
}
