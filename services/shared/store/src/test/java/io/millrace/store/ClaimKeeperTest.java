package io.millrace.store;

import static io.millrace.store.Samples.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.JobKey;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class ClaimKeeperTest {
    private static final JobKey KEY = key("a");

    /** Time that runs only while someone waits; the rest of the world acts meanwhile. */
    private static final class WaitedTime implements MonotonicTime {
        private long nanos = Long.MAX_VALUE - 1_000_000_000L; // wraps around: only differences count
        private long waitedMillis;
        private LongConsumer world = _ -> {};

        @Override
        public long nanos() {
            return nanos;
        }

        @Override
        public void pause(Duration duration) {
            nanos += duration.toNanos();
            waitedMillis += duration.toMillis();
            world.accept(waitedMillis);
        }
    }

    private final MemoryStore store = new MemoryStore();
    private final WaitedTime time = new WaitedTime();
    private final ClaimKeeper keeper = new ClaimKeeper(store, time);

    @AfterEach
    void close() {
        keeper.close();
    }

    @Test
    void aFreeKeyIsHeldAtOnce() throws Exception {
        Acquired acquired = keeper.acquire(KEY, "me");

        assertThat(acquired).isInstanceOfSatisfying(Acquired.Held.class, held -> {
            assertThat(held.lease().starts()).isEqualTo(1);
            assertThat(held.lease().held()).isTrue();
            assertThat(held.lease().key()).isEqualTo(KEY);
        });
        assertThat(time.waitedMillis).isZero();
        assertThat(store.claim(KEY)).contains(new Claim(KEY, "me", 1, 1));
    }

    @Test
    void aClaimThatStandsStillIsTakenOverAfterThreeBeatsAndStartsIsRaised() throws Exception {
        store.replaceClaim(Optional.empty(), new Claim(KEY, "dead", 2, 7));

        Acquired acquired = keeper.acquire(KEY, "me");

        assertThat(acquired).isInstanceOf(Acquired.Held.class);
        assertThat(time.waitedMillis).isEqualTo(3000);
        assertThat(store.claim(KEY)).contains(new Claim(KEY, "me", 3, 8));
    }

    @Test
    void aClaimThatBeatsAtTheLastMomentIsBusy() throws Exception {
        store.replaceClaim(Optional.empty(), new Claim(KEY, "alive", 1, 7));
        time.world = waitedMillis -> {
            if (waitedMillis == 3000) {
                store.replaceClaim(store.claim(KEY), new Claim(KEY, "alive", 1, 8));
            }
        };

        assertThat(keeper.acquire(KEY, "me")).isEqualTo(new Acquired.Busy(new Claim(KEY, "alive", 1, 8)));
    }

    @Test
    void aLiveClaimIsNoticedAtItsFirstBeat() throws Exception {
        store.replaceClaim(Optional.empty(), new Claim(KEY, "alive", 3, 7));
        time.world = waitedMillis -> {
            if (waitedMillis == 400) {
                store.replaceClaim(store.claim(KEY), new Claim(KEY, "alive", 3, 8));
            }
        };

        assertThat(keeper.acquire(KEY, "me")).isInstanceOf(Acquired.Busy.class);
        assertThat(time.waitedMillis).isEqualTo(400);
    }

    @Test
    void threeStartsWithoutAResultArePoison() throws Exception {
        Claim third = new Claim(KEY, "dead", 3, 7);
        store.replaceClaim(Optional.empty(), third);

        Acquired acquired = keeper.acquire(KEY, "me");

        assertThat(acquired).isEqualTo(new Acquired.Poisoned(third));
        assertThat(store.claim(KEY)).contains(third);
        keeper.forget((Acquired.Poisoned) acquired);
        assertThat(keeper.acquire(KEY, "me"))
                .isInstanceOfSatisfying(
                        Acquired.Held.class,
                        held -> assertThat(held.lease().starts()).isEqualTo(1));
    }

    @Test
    void aResultAnswersBeforeAndAfterWatching() throws Exception {
        JobResult result = Samples.result(KEY, "other");
        store.replaceClaim(Optional.empty(), new Claim(KEY, "dead", 3, 7));
        time.world = waitedMillis -> {
            if (waitedMillis == 2900) {
                store.commit(result);
            }
        };

        assertThat(keeper.acquire(KEY, "me")).isEqualTo(new Acquired.Answered(result));
        long waitedMillis = time.waitedMillis;
        assertThat(keeper.acquire(KEY, "me")).isEqualTo(new Acquired.Answered(result));
        assertThat(time.waitedMillis).isEqualTo(waitedMillis);
    }

    @Test
    void aClaimThatIsTakenAwayWhileWatchingFreesTheKey() throws Exception {
        store.replaceClaim(Optional.empty(), new Claim(KEY, "failed", 2, 7));
        time.world = waitedMillis -> {
            if (waitedMillis == 500) {
                store.dropClaim(KEY, "failed");
            }
        };

        assertThat(keeper.acquire(KEY, "me"))
                .isInstanceOfSatisfying(
                        Acquired.Held.class,
                        held -> assertThat(held.lease().starts()).isEqualTo(1));
    }

    @Test
    void ofTwoThatFindTheSameDeadClaimOneTakesItAndTheOtherWatchesOn() throws Exception {
        store.replaceClaim(Optional.empty(), new Claim(KEY, "dead", 1, 7));
        time.world = waitedMillis -> {
            if (waitedMillis == 2000) {
                store.replaceClaim(store.claim(KEY), new Claim(KEY, "quicker", 2, 8));
            }
        };

        assertThat(keeper.acquire(KEY, "me")).isEqualTo(new Acquired.Busy(new Claim(KEY, "quicker", 2, 8)));
    }

    @Test
    void aLeaseBeatsUntilItIsClosedAndThenLeavesNoClaim() throws Exception {
        Lease lease = ((Acquired.Held) keeper.acquire(KEY, "me")).lease();

        lease.beat();
        lease.beat();
        assertThat(store.claim(KEY)).contains(new Claim(KEY, "me", 1, 3));

        Thread.currentThread().interrupt();
        lease.close();
        assertThat(Thread.interrupted()).isTrue();
        lease.beat();
        lease.close();
        assertThat(store.claim(KEY)).isEmpty();
    }

    @Test
    void aLeaseThatWasTakenOverIsLostAndLeavesTheOthersClaimAlone() throws Exception {
        Lease lease = ((Acquired.Held) keeper.acquire(KEY, "me")).lease();
        Claim other = new Claim(KEY, "other", 2, 9);
        store.replaceClaim(store.claim(KEY), other);

        lease.beat();

        assertThat(lease.held()).isFalse();
        lease.close();
        assertThat(store.claim(KEY)).contains(other);
    }

    @Test
    void aLeaseStandsStillWhileNobodyHearsOfItsHolder() throws Exception {
        AtomicBoolean heard = new AtomicBoolean();
        Lease lease = ((Acquired.Held) keeper.acquire(KEY, "me")).lease();
        lease.beatWhile(heard::get);

        lease.beat();
        assertThat(store.claim(KEY)).contains(new Claim(KEY, "me", 1, 1));
        heard.set(true);
        lease.beat();
        assertThat(store.claim(KEY)).contains(new Claim(KEY, "me", 1, 2));

        heard.set(false);
        lease.close();
        assertThat(store.claim(KEY)).isEmpty();
    }

    @Test
    void aLeaseWhoseStoreIsAwayIsKeptAndRaisedWhenItIsBack() throws Exception {
        AtomicInteger beats = new AtomicInteger();
        ArtifactStore away = whoseBeats(_ -> {
            if (beats.incrementAndGet() == 1) {
                throw new IOException("connection reset");
            }
        });
        Lease lease = new Lease(keeper, away, claimed());

        lease.beat();
        assertThat(lease.held()).isTrue();
        assertThat(store.claim(KEY).orElseThrow().beat()).isEqualTo(1);
        lease.beat();

        assertThat(store.claim(KEY).orElseThrow().beat()).isEqualTo(2);
        lease.close();
        assertThat(store.claim(KEY)).isEmpty();
    }

    /** It reported its end, so it must not count as a process that began the job and was lost. */
    @Test
    @Timeout(30)
    void aClaimThatCouldNotBeTakenAwayIsTakenAwayWhenTheStoreIsBack() throws Exception {
        CountDownLatch tries = new CountDownLatch(3);
        ArtifactStore away = whose("dropClaim", Duration.ofMillis(1), _ -> {
            tries.countDown();
            if (tries.getCount() > 0) {
                throw new IOException("connection reset");
            }
        });
        try (ClaimKeeper beating = new ClaimKeeper(away)) {
            ((Acquired.Held) beating.acquire(KEY, "me")).lease().close();
            tries.await();
            while (store.claim(KEY).isPresent() && !Thread.currentThread().isInterrupted()) {
                Thread.onSpinWait();
            }
            assertThat(store.claim(KEY)).isEmpty();
        }
    }

    @Test
    void aClaimThatThisProcessLeftBehindCountsNoStartOfIts() throws Exception {
        AtomicInteger drops = new AtomicInteger();
        ArtifactStore away = whose("dropClaim", Duration.ofHours(1), _ -> {
            if (drops.getAndIncrement() == 0) {
                throw new IOException("connection reset");
            }
        });
        try (ClaimKeeper mine = new ClaimKeeper(away, time)) {
            ((Acquired.Held) mine.acquire(KEY, "me")).lease().close();
            assertThat(store.claim(KEY)).isPresent();

            assertHeldForTheFirstTime(mine.acquire(KEY, "me"));
        }
    }

    @Test
    void aClaimThatTheStoreTookWithoutAnAnswerCountsNoStart() throws Exception {
        AtomicInteger requests = new AtomicInteger();
        ArtifactStore mute = whose("dropClaim", Duration.ofHours(1), _ -> {
            if (requests.getAndIncrement() == 0) {
                throw new IOException("connection reset");
            }
        });
        ArtifactStore takesAndSaysNothing = (ArtifactStore) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {ArtifactStore.class}, (_, called, arguments) -> {
                    Object answer = invoke(mute, called, arguments);
                    if (called.getName().equals("replaceClaim") && requests.get() == 0) {
                        throw new IOException("connection reset");
                    }
                    return answer;
                });
        try (ClaimKeeper mine = new ClaimKeeper(takesAndSaysNothing, time)) {
            assertThatThrownBy(() -> mine.acquire(KEY, "me")).hasMessage("connection reset");
            assertThat(store.claim(KEY)).contains(new Claim(KEY, "me", 1, 1));

            assertHeldForTheFirstTime(mine.acquire(KEY, "me"));
        }
    }

    private void assertHeldForTheFirstTime(Acquired acquired) {
        assertThat(acquired)
                .isInstanceOfSatisfying(
                        Acquired.Held.class,
                        held -> assertThat(held.lease().starts()).isEqualTo(1));
        assertThat(time.waitedMillis).isZero();
    }

    /** Else every claim of the process would go stale, and others would begin its jobs once more. */
    @Test
    @Timeout(30)
    void whatGoesWrongAtOneBeatEndsNoBeating() throws Exception {
        CountDownLatch beats = new CountDownLatch(2);
        ArtifactStore faulty = whoseBeats(_ -> {
            beats.countDown();
            throw new IllegalStateException("a bug");
        });
        try (ClaimKeeper beating = new ClaimKeeper(faulty)) {
            beating.acquire(KEY, "me");
            beats.await();
        }
    }

    /** A connection that died without a word, say: the other jobs of the process go on, and so do their claims. */
    @Test
    @Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void aBeatThatGetsNoAnswerHoldsUpNoOtherAndIsSentOnce() throws Exception {
        JobKey other = key("b");
        CountDownLatch answer = new CountDownLatch(1);
        CountDownLatch sent = new CountDownLatch(1);
        CountDownLatch answered = new CountDownLatch(3);
        CountDownLatch othersSent = new CountDownLatch(20);
        AtomicInteger unanswered = new AtomicInteger();
        ArtifactStore mute = whoseBeats(key -> {
            if (key.equals(other)) {
                othersSent.countDown();
            } else if (answer.getCount() == 0) {
                answered.countDown();
            } else {
                unanswered.incrementAndGet();
                sent.countDown();
                awaited(answer);
            }
        });
        try (ClaimKeeper beating = new ClaimKeeper(mute)) {
            beating.acquire(KEY, "me");
            sent.await();

            beating.acquire(other, "me");
            othersSent.await();

            assertThat(unanswered).hasValue(1);
            answer.countDown();
            answered.await();
        }
    }

    private static void awaited(CountDownLatch latch) throws IOException {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    private Claim claimed() throws IOException {
        Claim claim = new Claim(KEY, "me", 1, 1);
        store.replaceClaim(Optional.empty(), claim);
        return claim;
    }

    /** What happens at a beat of a claim on this key. */
    private interface Beat {
        void happens(JobKey key) throws IOException;
    }

    private ArtifactStore whoseBeats(Beat beat) {
        return whose("replaceClaim", Duration.ofMillis(1), beat);
    }

    /** The store, where something happens before each call of a method that changes or takes away a claim. */
    private ArtifactStore whose(String method, Duration interval, Beat beat) {
        return (ArtifactStore) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {ArtifactStore.class}, (_, called, arguments) -> {
                    if (called.getName().equals("beatInterval")) {
                        return interval;
                    }
                    boolean creates = called.getName().equals("replaceClaim") && ((Optional<?>) arguments[0]).isEmpty();
                    if (called.getName().equals(method) && !creates) {
                        beat.happens(arguments[0] instanceof JobKey key ? key : ((Claim) arguments[1]).key());
                    }
                    return invoke(store, called, arguments);
                });
    }

    private static Object invoke(ArtifactStore store, Method called, Object[] arguments) throws Throwable {
        try {
            return called.invoke(store, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    @Test
    void theKeeperBeatsByItself() throws IOException, InterruptedException {
        Claim first = new Claim(KEY, "me", 1, 1);
        try (ClaimKeeper real = new ClaimKeeper(store)) {
            real.acquire(KEY, "me");
            long from = System.nanoTime();

            Acquired second = real.acquire(KEY, "me too");

            assertThat(second).isInstanceOf(Acquired.Busy.class);
            assertThat(store.claim(KEY)).isNotEqualTo(Optional.of(first));
            assertThat(Duration.ofNanos(System.nanoTime() - from)).isLessThan(Duration.ofSeconds(3));
        }
    }
}
