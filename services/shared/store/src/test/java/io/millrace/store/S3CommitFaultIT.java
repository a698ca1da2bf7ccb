package io.millrace.store;

import static io.millrace.store.Samples.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.store.FaultProxy.Fault;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Results and claims, of which one holds, on a network and a server that fail. */
class S3CommitFaultIT extends S3FaultFixture {
    @Test
    @Tag("promise-2")
    @DisplayName("Promise 2: a refusal that answers one's own success is a success")
    void aRefusalThatAnswersOnesOwnSuccessIsASuccess() throws IOException {
        proxy.next(1, Fault.ANSWER_LOST, requests("PUT", "/results/"));
        JobResult mine = Samples.result(key("a"), "w1");

        Commit commit = store.commit(mine);

        assertThat(asked("PUT", "/results/")).isEqualTo(2);
        assertThat(commit).isEqualTo(new Commit.Won(mine));
        assertThat(store.commit(Samples.result(key("a"), "w2"))).isEqualTo(new Commit.Lost(mine));
    }

    @Test
    @Tag("promise-2")
    @DisplayName("Promise 2: a commit that nobody answered is made again")
    void aCommitThatNobodyAnsweredIsMadeAgain() throws IOException {
        JobResult mine = Samples.result(key("a"), "w1");
        proxy.next(5, Fault.HUNG_UP, requests("PUT", "/results/"));

        assertThat(store.commit(mine)).isEqualTo(new Commit.Won(mine));

        assertThat(asked("PUT", "/results/")).isEqualTo(6);
        assertThat(store.result(key("a"))).contains(mine);
    }

    @Test
    void aCommitThatMeetsAnotherWriteIsMadeAgain() throws IOException {
        JobResult mine = Samples.result(key("a"), "w1");
        proxy.next(2, Fault.CONFLICT, requests("PUT", "/results/"));

        assertThat(store.commit(mine)).isEqualTo(new Commit.Won(mine));
        assertThat(store.result(key("a"))).contains(mine);
    }

    @Test
    void aMissingPageIsNoMissingResult() throws IOException {
        store.commit(Samples.result(key("a"), "w1"));
        for (Fault fault : List.of(Fault.PAGE_NOT_FOUND, Fault.NOT_FOUND)) {
            proxy.next(1, fault, requests("GET", "/results/"));

            assertThatThrownBy(() -> store.result(key("a")))
                    .as(fault.name())
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("this is not the bucket's answer");
        }
    }

    @Test
    void aResultIsDroppedOnceAlsoIfTheAnswerIsLost() throws IOException {
        JobResult damaged = Samples.result(key("a"), "w1");
        store.commit(damaged);
        proxy.next(1, Fault.ANSWER_LOST, requests("PUT", ".dropped"));

        assertThat(store.dropResult(damaged)).isTrue();
        assertThat(store.dropResult(damaged)).isFalse();
    }

    @Test
    void ofTwoWhoDropAResultOneHasDroppedIt() throws IOException {
        JobResult damaged = Samples.result(key("a"), "w1");
        store.commit(damaged);
        AtomicInteger dropped = new AtomicInteger();
        try (S3Store other =
                S3Store.open(S3Address.parse(S3Proxy.address(prefix, SERVER.endpoint(), temp.resolve("other"))))) {
            proxy.next(1, Fault.FAILS, request -> {
                if (requests("PUT", ".dropped").test(request)) {
                    dropped.addAndGet(dropped(other, damaged) ? 1 : 0);
                }
                return false;
            });

            assertThat(store.dropResult(damaged)).isFalse();
        }
        assertThat(dropped).hasValue(1);
    }

    private static boolean dropped(ArtifactStore store, JobResult result) {
        try {
            return store.dropResult(result);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void aLeaseSurvivesALostAnswer() throws Exception {
        try (ClaimKeeper keeper = new ClaimKeeper(store)) {
            Acquired acquired = keeper.acquire(key("a"), "me");
            proxy.next(1, Fault.ANSWER_LOST, requests("PUT", "/claims/"));

            Lease lease = ((Acquired.Held) acquired).lease();
            lease.beat();

            assertThat(lease.held()).isTrue();
            assertThat(store.claim(key("a"))).contains(new Claim(key("a"), "me", 1, 2));
        }
    }

    /** Its holder has just raised its beat, and deleted the oldest. */
    @Test
    void aClaimThatIsReplacedWhileItIsReadIsReadAgain() throws IOException {
        Claim claim = new Claim(key("a"), "me", 1, 1);
        store.replaceClaim(Optional.empty(), claim);
        proxy.next(1, Fault.NO_SUCH_KEY, requests("GET", "/claims/"));

        assertThat(store.claim(key("a"))).contains(claim);
    }

    /** Whoever sees it, a worker that still holds the claim or one that takes it over, goes by its last beat. */
    @Test
    void aClaimThatCannotBeDroppedAltogetherStands() throws IOException {
        Optional<Claim> last = Optional.empty();
        for (int beat = 1; beat <= 3; beat++) {
            Claim next = new Claim(key("a"), "me", 1, beat);
            assertThat(store.replaceClaim(last, next)).isTrue();
            last = Optional.of(next);
        }
        proxy.next(1000, Fault.FAILS, requests("DELETE", S3Claims.name(key("a"), 2)));

        assertThatThrownBy(() -> store.dropClaim(key("a"), "me")).hasMessageContaining("deleting claims/");

        assertThat(store.claim(key("a"))).isEqualTo(last);
    }

    /** A connection that died without a word: others take over what is as silent as an upload may be. */
    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void aClaimThatGetsNoAnswerIsSoonWrittenAnew() throws IOException {
        Claim mine = new Claim(key("a"), "me", 1, 1);
        try (S3Store patient = open(Duration.ofMinutes(10))) {
            assertThat(patient.replaceClaim(Optional.empty(), mine)).isTrue();
            proxy.next(1, Fault.SILENT, requests("PUT", "/claims/"));

            assertThat(patient.replaceClaim(Optional.of(mine), new Claim(key("a"), "me", 1, 2)))
                    .isTrue();
        }
    }

    @Test
    void aClaimThatAnotherTookOverMeanwhileIsNotDropped() throws IOException {
        Claim mine = new Claim(key("a"), "me", 1, 1);
        Claim theirs = new Claim(key("a"), "other", 2, 1);
        assertThat(store.replaceClaim(Optional.empty(), mine)).isTrue();
        AtomicInteger listings = new AtomicInteger();
        try (S3Store other =
                S3Store.open(S3Address.parse(S3Proxy.address(prefix, SERVER.endpoint(), temp.resolve("other"))))) {
            // The first listing finds which claim stands, the next one what is to be deleted.
            proxy.next(1, Fault.FAILS, request -> {
                if (requests("GET", "claims").test(request)
                        && request.contains("list-type=2")
                        && listings.incrementAndGet() == 2) {
                    assertThat(replaced(other, mine, theirs)).isTrue();
                }
                return false;
            });

            store.dropClaim(key("a"), "me");
        }

        assertThat(listings).hasValue(2);
        assertThat(store.claim(key("a"))).contains(theirs);
    }

    private static boolean replaced(ArtifactStore store, Claim expected, Claim next) {
        try {
            return store.replaceClaim(Optional.of(expected), next);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
