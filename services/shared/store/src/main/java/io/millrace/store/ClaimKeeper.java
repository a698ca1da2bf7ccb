package io.millrace.store;

import io.millrace.events.JobKey;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The claims of one process. A holder raises its beat; whoever finds a claim watches it by its own monotonic clock and
 * takes it over if the beat stood still for three intervals. No time of day is ever compared. Claims save work and
 * decide nothing: the commit does.
 *
 * <pre>
 * no claim ──────────────────────────────► Held, starts 1
 * claim ──► beat moves within 3 intervals ► Busy
 *       ──► it stands still, starts &lt; 3 ───► Held, starts + 1   (if another is quicker: watch again)
 *       ──► it stands still, starts ≥ 3 ───► Poisoned
 * a result, before or after watching ─────► Answered
 * </pre>
 */
public final class ClaimKeeper implements AutoCloseable {
    /** So many processes may begin a job without one that reports. */
    public static final int MAX_STARTS = 3;

    private static final Logger LOG = LoggerFactory.getLogger(ClaimKeeper.class);
    private static final int STALE_AFTER_BEATS = 3;
    private static final int LOOKS_PER_BEAT = 10;

    private final ArtifactStore store;
    private final MonotonicTime time;
    private final Set<Lease> leases = ConcurrentHashMap.newKeySet();
    private final Set<Lease> beatUnderWay = ConcurrentHashMap.newKeySet();
    private final ThreadFactory threads =
            Thread.ofPlatform().name("claim-beat").daemon().factory();
    private final ScheduledExecutorService beating = Executors.newSingleThreadScheduledExecutor(threads);

    public ClaimKeeper(ArtifactStore store) {
        this(store, MonotonicTime.SYSTEM);
    }

    /** @param time by which other processes' claims are watched */
    public ClaimKeeper(ArtifactStore store, MonotonicTime time) {
        this.store = store;
        this.time = time;
        long nanos = store.beatInterval().toNanos();
        var _ = beating.scheduleAtFixedRate(this::beat, nanos, nanos, TimeUnit.NANOSECONDS);
    }

    /**
     * Asks for a key. Where another's claim is there this takes up to three beats.
     *
     * @param holder unique to this call among all that ever were: who finds it in a claim takes that for its own
     */
    public Acquired acquire(JobKey key, String holder) throws IOException, InterruptedException {
        for (Lease lease : leases) {
            lease.settle(key);
        }
        while (true) {
            Optional<JobResult> result = UsableResult.of(store, key);
            if (result.isPresent()) {
                return new Acquired.Answered(result.get());
            }
            Optional<Claim> found = store.claim(key);
            if (found.isPresent()) {
                Optional<Claim> later = watch(found.get());
                if (later.isPresent() && !later.equals(found)) {
                    return new Acquired.Busy(later.get());
                }
                if (later.isEmpty() || UsableResult.of(store, key).isPresent()) {
                    continue;
                }
                if (found.get().starts() >= MAX_STARTS) {
                    return new Acquired.Poisoned(found.get());
                }
            }
            Claim mine = new Claim(
                    key,
                    holder,
                    found.map(Claim::starts).orElse(0) + 1,
                    found.map(Claim::beat).orElse(0L) + 1);
            Lease lease = new Lease(this, store, mine);
            try {
                if (store.replaceClaim(found, mine) || store.claim(key).equals(Optional.of(mine))) {
                    leases.add(lease);
                    return new Acquired.Held(lease);
                }
            } catch (IOException e) {
                // The store may have taken it without being able to say so.
                leases.add(lease);
                lease.close();
                throw e;
            }
        }
    }

    /** Forgets who began a poisoned key. To be called once its failure is reported, so that a retry counts anew. */
    public void forget(Acquired.Poisoned poisoned) throws IOException {
        store.dropClaim(poisoned.claim().key(), poisoned.claim().holder());
    }

    /** The claim once it moved, or as it was after it stood still for three beats. */
    private Optional<Claim> watch(Claim first) throws IOException, InterruptedException {
        Duration look = store.beatInterval().dividedBy(LOOKS_PER_BEAT);
        long patienceNanos = patience(store).toNanos();
        long from = time.nanos();
        while (true) {
            boolean last = time.nanos() - from >= patienceNanos;
            Optional<Claim> now = store.claim(first.key());
            if (last || !now.equals(Optional.of(first))) {
                return now;
            }
            time.pause(look);
        }
    }

    /** A beat that stands still for so long is a dead holder's. */
    static Duration patience(ArtifactStore store) {
        return store.beatInterval().multipliedBy(STALE_AFTER_BEATS);
    }

    /**
     * Each lease beats on a thread of its own, so that an answer that does not come holds up no other claim. What is
     * thrown here would end all beating, and with it each claim of this process.
     */
    private void beat() {
        for (Lease lease : leases) {
            if (beatUnderWay.add(lease)) {
                try {
                    threads.newThread(() -> beat(lease)).start();
                } catch (RuntimeException | OutOfMemoryError e) {
                    beatUnderWay.remove(lease);
                    notRenewed(e);
                }
            }
        }
    }

    private void beat(Lease lease) {
        try {
            lease.beat();
        } catch (RuntimeException | OutOfMemoryError e) {
            notRenewed(e);
        } finally {
            beatUnderWay.remove(lease);
        }
    }

    private static void notRenewed(Throwable why) {
        LOG.atWarn().setCause(why).log("a claim could not be renewed; trying again at each beat");
    }

    void ended(Lease lease) {
        leases.remove(lease);
    }

    /** Ends all beating; claims that are still held go stale. */
    @Override
    public void close() {
        beating.shutdownNow();
    }
}
