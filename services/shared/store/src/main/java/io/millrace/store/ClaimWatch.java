package io.millrace.store;

import io.millrace.events.JobKey;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Tells the claims of the dead from those of the living as {@link ClaimKeeper} does: by a beat that stands still. */
final class ClaimWatch {
    private final ArtifactStore store;
    private final MonotonicTime time;
    private final Map<JobKey, Claim> first = new TreeMap<>();
    private final long fromNanos;

    private ClaimWatch(ArtifactStore store, MonotonicTime time) {
        this.store = store;
        this.time = time;
        this.fromNanos = time.nanos();
    }

    static ClaimWatch begin(ArtifactStore store, MonotonicTime time) throws IOException {
        ClaimWatch watch = new ClaimWatch(store, time);
        for (JobKey key : store.inventory().claims()) {
            store.claim(key).ifPresent(claim -> watch.first.put(key, claim));
        }
        return watch;
    }

    /** The claims that did not move since the beginning; waits until that means something. */
    List<Claim> standStill() throws IOException, InterruptedException {
        if (first.isEmpty()) {
            return List.of();
        }
        long leftNanos = ClaimKeeper.patience(store).toNanos() - (time.nanos() - fromNanos);
        if (leftNanos > 0) {
            time.pause(Duration.ofNanos(leftNanos));
        }
        List<Claim> still = new ArrayList<>();
        for (Claim claim : first.values()) {
            if (store.claim(claim.key()).equals(Optional.of(claim))) {
                still.add(claim);
            }
        }
        return still;
    }
}
