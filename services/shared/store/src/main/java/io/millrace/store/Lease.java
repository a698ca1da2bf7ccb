package io.millrace.store;

import io.millrace.events.JobKey;
import java.io.IOException;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This process's claim on a key; its {@link ClaimKeeper} raises the beat until it is closed. Where the store does not
 * answer then, the keeper takes the claim away later: what reported its end is none of the processes that were lost.
 */
public final class Lease implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Lease.class);

    private final ClaimKeeper keeper;
    private final ArtifactStore store;
    private final JobKey key;
    private Claim claim;
    private boolean held = true;
    private boolean closed;
    private boolean reachable = true;
    private volatile BooleanSupplier heard = () -> true;

    Lease(ClaimKeeper keeper, ArtifactStore store, Claim claim) {
        this.keeper = keeper;
        this.store = store;
        this.key = claim.key();
        this.claim = claim;
    }

    public JobKey key() {
        return key;
    }

    /** How many processes began this job, this one included. */
    public synchronized int starts() {
        return claim.starts();
    }

    /** False once another process took the claim over; the job may go on, the commit decides. */
    public synchronized boolean held() {
        return held;
    }

    /**
     * From now on the claim is only renewed while this is true: a holder that nobody hears of is as good as dead, and
     * another shall take the claim over. It is renewed again afterwards, if it still stands.
     */
    public void beatWhile(BooleanSupplier holderIsHeard) {
        heard = holderIsHeard;
    }

    /**
     * Shows that this process lives, or takes away what could not be taken away before. A store that does not answer is
     * asked again at the next beat.
     */
    synchronized void beat() {
        if (!held) {
            return;
        }
        if (closed) {
            tryToDrop();
            return;
        }
        if (!heard.getAsBoolean()) {
            return;
        }
        Claim next = new Claim(key, claim.holder(), claim.starts(), claim.beat() + 1);
        try {
            if (store.replaceClaim(Optional.of(claim), next)) {
                claim = next;
            } else {
                lookAgain(next);
            }
            reachable = true;
        } catch (IOException e) {
            if (reachable) {
                LOG.atWarn()
                        .addKeyValue("job", key)
                        .log("the claim could not be renewed; trying again at each beat: {}", e.toString());
            }
            reachable = false;
        }
    }

    /** A refusal may answer one's own success, whose answer was lost. */
    private void lookAgain(Claim next) throws IOException {
        Optional<Claim> standing = store.claim(key);
        held = standing.equals(Optional.of(next));
        if (held) {
            claim = next;
        } else {
            LOG.atWarn()
                    .addKeyValue("job", key)
                    .log("another process took the claim over; the job goes on, the first commit stands");
        }
    }

    /** Ends the beating and takes the claim away; an interrupted thread does so too, and stays interrupted. */
    @Override
    public void close() {
        boolean interrupted = Thread.interrupted();
        try {
            tryToDrop();
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private synchronized void tryToDrop() {
        boolean again = closed;
        closed = true;
        try {
            drop();
        } catch (IOException e) {
            if (!again) {
                LOG.atWarn()
                        .addKeyValue("job", key)
                        .log("the claim could not be taken away; trying again at each beat: {}", e.toString());
            }
        }
    }

    /** Takes the claim away that a closed lease left behind on this key. */
    void settle(JobKey acquired) throws IOException {
        if (key.equals(acquired)) { // Of another key it may be at a beat that gets no answer.
            settle();
        }
    }

    private synchronized void settle() throws IOException {
        if (closed) {
            drop();
        }
    }

    private void drop() throws IOException {
        if (held) {
            store.dropClaim(key, claim.holder());
            held = false;
        }
        keeper.ended(this);
    }
}
