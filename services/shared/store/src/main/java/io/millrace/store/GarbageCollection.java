package io.millrace.store;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Frees what nothing names: results first, then blobs, never anything younger than a grace period. Workers go on
 * meanwhile, and nothing that they rely on goes away under their hands:
 *
 * <ul>
 *   <li><b>A worker answers from a result that is being dropped.</b> It read the result before the drop, so its job was
 *       visible to it before, and with the job, in one transaction of the conductor, that its run waits for this key.
 *       Whoever reads the runs <em>after</em> the drop therefore finds the key. So the roots are read twice: results that
 *       the first reading does not name are dropped, and those that the second one does name are committed again. Not
 *       one blob is deleted before that: the worker's check that they are there holds.
 *   <li><b>A worker commits a result whose blobs were there already.</b> Its commit may come after the marking. But {@link
 *       ArtifactStore#put(byte[])} makes a blob young that it finds, and young blobs stay; each adapter makes sure that a
 *       blob is not put between the look at its age and its deletion ({@link Inventory#delete}).
 *   <li><b>This process dies.</b> What it dropped is computed again when it is wanted; a result whose blobs are gone
 *       does not exist, since results go first.
 * </ul>
 */
public final class GarbageCollection {
    /** The shortest grace period: by far longer than it takes from the first blob of an output to the commit. */
    public static final Duration LEAST_GRACE = Duration.ofDays(1);

    /** What must stay: artifacts by their manifests, and results of these keys, committed already or not. */
    public record Wanted(Set<Digest> manifests, Set<JobKey> jobs) {
        public Wanted {
            manifests = Set.copyOf(manifests);
            jobs = Set.copyOf(jobs);
        }

        boolean names(JobResult result) {
            return jobs.contains(result.key())
                    || manifests.contains(result.output().manifest());
        }
    }

    /** Asked once before results go, and again before blobs go; what was written until the question must be in it. */
    public interface Roots {
        Wanted read() throws IOException, InterruptedException;
    }

    /** What went, or would go. */
    public record Collected(long results, long blobs, long sizeBytes, long blobsKept, long sizeBytesKept) {}

    private final ArtifactStore store;
    private final Roots roots;
    private final Duration grace;
    private final boolean dryRun;

    public GarbageCollection(ArtifactStore store, Roots roots, Duration grace, boolean dryRun) {
        this.store = store;
        this.roots = roots;
        this.grace = grace;
        this.dryRun = dryRun;
    }

    public Collected run(StoreCheck.Progress progress) throws IOException, InterruptedException {
        Wanted before = roots.read();
        requireOwnStore(before);
        List<JobResult> dropped = dropResults(before);
        Wanted wanted = roots.read();
        List<JobResult> gone = bringBack(dropped, wanted);
        Sweep sweep = new Sweep(store.inventory(), reachable(wanted, gone), grace, dryRun, progress);
        store.inventory().blobs(sweep);
        return sweep.end(gone.size());
    }

    /** Another Kafka's topics name nothing of this store; by them everything would go. */
    private void requireOwnStore(Wanted wanted) throws IOException {
        for (Digest manifest : wanted.manifests()) {
            if (store.contains(manifest)) {
                return;
            }
        }
        List<Inventory.Result> results = store.inventory().results();
        if (results.stream().map(Inventory.Result::key).anyMatch(wanted.jobs()::contains)) {
            return;
        }
        if (!results.isEmpty()) {
            throw new ForeignStoreException("no run, model, checkpoint or policy names anything that is in this store,"
                    + " yet it holds results; is it the store of this Kafka and topic prefix? Nothing was deleted");
        }
    }

    private List<JobResult> dropResults(Wanted wanted) throws IOException {
        List<JobResult> dropped = new ArrayList<>();
        for (Inventory.Result found : store.inventory().results()) {
            if (found.age().compareTo(grace) < 0) {
                continue;
            }
            Optional<JobResult> result = readable(found.key()).filter(r -> !wanted.names(r));
            if (result.isPresent() && (dryRun || store.dropResult(result.get()))) {
                dropped.add(result.get());
            }
        }
        return dropped;
    }

    /** A damaged result answers nobody; {@link StoreCheck} names it. */
    private Optional<JobResult> readable(JobKey key) throws IOException {
        try {
            return store.result(key);
        } catch (DamagedFileException e) {
            return Optional.empty();
        }
    }

    private List<JobResult> bringBack(List<JobResult> dropped, Wanted wanted) throws IOException {
        List<JobResult> gone = new ArrayList<>();
        for (JobResult result : dropped) {
            if (!wanted.names(result)) {
                gone.add(result);
            } else if (!dryRun) {
                store.commit(result);
            }
        }
        return gone;
    }

    private Set<Digest> reachable(Wanted wanted, List<JobResult> gone) throws IOException {
        Set<Digest> manifests = new HashSet<>(wanted.manifests());
        Set<JobKey> without = new HashSet<>();
        gone.forEach(result -> without.add(result.key()));
        for (Inventory.Result found : store.inventory().results()) {
            if (!(dryRun && without.contains(found.key()))) {
                readable(found.key())
                        .map(JobResult::output)
                        .map(ArtifactRef::manifest)
                        .ifPresent(manifests::add);
            }
        }
        Set<Digest> reachable = new HashSet<>(manifests);
        for (Digest manifest : manifests) {
            addFiles(manifest, reachable);
        }
        return reachable;
    }

    /** A damaged manifest says nothing of its files, which must not go. */
    private void addFiles(Digest manifest, Set<Digest> reachable) throws IOException {
        try {
            store.manifest(ArtifactRef.inStore(manifest)).files().forEach(file -> reachable.add(file.sha256()));
        } catch (NoSuchFileException e) {
            return; // Nothing is left of it, or it never was in this store.
        } catch (DamagedFileException e) {
            throw new DamagedFileException(
                    e.getMessage() + "; nothing was deleted but results that nobody names: mend this first, see"
                            + " 'millrace store verify'",
                    e);
        }
    }
}
