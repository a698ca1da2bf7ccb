package io.millrace.store;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** Reads everything in a store and says what is not as it was written. Nothing is changed. */
public final class StoreCheck {
    /** How far something long is, in bytes or other units. */
    public interface Progress {
        void show(long done, long total, String message);
    }

    /**
     * Something damaged or missing.
     *
     * @param place where it lies, or should
     * @param missing nothing is there
     * @param neededBy the results that cannot be used because of it
     * @param artifacts the manifests of the artifacts, of results and of those asked for, that are not whole because of it
     */
    public record Damage(String place, boolean missing, String found, List<JobKey> neededBy, List<Digest> artifacts) {
        public Damage {
            neededBy = List.copyOf(neededBy);
            artifacts = List.copyOf(artifacts);
        }
    }

    /** @param abandoned claims whose holder gave no sign of life while the check ran */
    public record Report(
            long blobs,
            long sizeBytes,
            long results,
            List<Damage> damages,
            List<Inventory.Leftover> leftovers,
            List<Claim> abandoned) {
        public Report {
            damages = List.copyOf(damages);
            leftovers = List.copyOf(leftovers);
            abandoned = List.copyOf(abandoned);
        }

        public boolean whole() {
            return damages.isEmpty();
        }
    }

    /** So many reads in a row that fail, two of each blob, are the store's failure and not the blobs'. */
    private static final int MOST_UNREADABLE = 20;

    private static final int BUFFER_BYTES = 1 << 20;

    private final ArtifactStore store;
    private final Inventory inventory;
    private final Progress progress;
    private final MonotonicTime time;
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private final DamagedBlobs damaged = new DamagedBlobs();
    private final List<Damage> damagedResults = new ArrayList<>();
    private long totalBytes;
    private long blobs;
    private long readBytes;
    private int unreadable;

    public StoreCheck(ArtifactStore store, Progress progress) {
        this(store, progress, MonotonicTime.SYSTEM);
    }

    /** @param time by which claims are watched */
    StoreCheck(ArtifactStore store, Progress progress, MonotonicTime time) {
        this.time = time;
        this.store = store;
        this.inventory = store.inventory();
        this.progress = progress;
    }

    /** @param named artifacts that must be there, whether a result has them or not */
    public Report run(Collection<ArtifactRef> named) throws IOException, InterruptedException {
        ClaimWatch claims = ClaimWatch.begin(store, time);
        inventory.blobs(blob -> totalBytes += blob.sizeBytes());
        inventory.blobs(this::read);
        List<Inventory.Result> results = inventory.results();
        for (Inventory.Result result : results) {
            check(result.key());
        }
        for (ArtifactRef artifact : named) {
            check(artifact, Optional.empty());
        }
        List<Damage> damages = new ArrayList<>(damagedResults);
        damages.addAll(damaged.told(inventory));
        return new Report(blobs, readBytes, results.size(), damages, inventory.leftovers(), claims.standStill());
    }

    /** A disk, a memory or a wire may fail one read: what is damaged is so the second time too. */
    private void read(Inventory.Blob blob) throws IOException, InterruptedException {
        blobs++;
        long readBefore = readBytes;
        if (fault(blob).isPresent()) {
            readBytes = readBefore;
            fault(blob).ifPresent(what -> damaged.add(blob.digest(), what));
        }
    }

    /** What is wrong with a blob as it is read now; nothing if it was collected since it was listed. */
    private Optional<String> fault(Inventory.Blob blob) throws IOException, InterruptedException {
        try (InputStream in = store.open(blob.digest())) {
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
                readBytes += read;
                progress.show(readBytes, totalBytes, blobs + " blobs, " + damaged.count() + " damaged");
            }
            unreadable = 0;
            return Optional.empty();
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (DamagedFileException e) {
            return Optional.of("has " + blob.sizeBytes() + " bytes whose digest is another one");
        } catch (InterruptedIOException e) {
            throw e;
        } catch (IOException e) {
            if (++unreadable >= MOST_UNREADABLE) {
                throw e;
            }
            return Optional.of("cannot be read: " + e.getMessage());
        }
    }

    private void check(JobKey key) throws IOException {
        Optional<JobResult> result;
        try {
            result = store.result(key);
        } catch (DamagedFileException e) {
            damagedResults.add(new Damage(
                    inventory.place(key), false, "is no result: " + e.getMessage(), List.of(key), List.of()));
            return;
        }
        if (result.isPresent()) {
            check(result.get().output(), Optional.of(key));
        }
    }

    /** @param job whose result it is, if it is one's */
    private void check(ArtifactRef artifact, Optional<JobKey> job) throws IOException {
        Manifest manifest;
        try {
            manifest = store.manifest(artifact);
        } catch (NoSuchFileException e) {
            damaged.missing(artifact.manifest(), "the manifest of an artifact");
            damaged.need(artifact.manifest(), artifact, job);
            return;
        } catch (DamagedFileException e) {
            damaged.add(artifact.manifest(), String.valueOf(e.getMessage()));
            damaged.need(artifact.manifest(), artifact, job);
            return;
        }
        if (!artifact.isInStore()) {
            return; // The files of a checkpoint in place are their owner's.
        }
        for (Manifest.Entry file : manifest.files()) {
            Optional<Long> sizeBytes = store.sizeBytes(file.sha256());
            if (sizeBytes.isEmpty()) {
                damaged.missing(file.sha256(), "'" + file.name() + "' of artifact " + artifact.manifest());
            } else if (sizeBytes.get() != file.sizeBytes()) {
                damaged.add(file.sha256(), "has " + sizeBytes.get() + " bytes, expected " + file.sizeBytes());
            }
            damaged.need(file.sha256(), artifact, job);
        }
    }
}
