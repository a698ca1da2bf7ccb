package io.millrace.store;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

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
     */
    public record Damage(String place, boolean missing, String found, List<JobKey> neededBy) {
        public Damage {
            neededBy = List.copyOf(neededBy);
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

    /** So many blobs in a row that cannot be read are the store's failure and not theirs. */
    private static final int MOST_UNREADABLE = 10;

    private static final int BUFFER_BYTES = 1 << 20;

    private final ArtifactStore store;
    private final Inventory inventory;
    private final Progress progress;
    private final MonotonicTime time;
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private final Map<Digest, String> damagedBlobs = new TreeMap<>();
    private final Set<Digest> missing = new TreeSet<>();
    private final Map<Digest, List<JobKey>> neededBy = new TreeMap<>();
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

    public Report run() throws IOException, InterruptedException {
        ClaimWatch claims = ClaimWatch.begin(store, time);
        inventory.blobs(blob -> totalBytes += blob.sizeBytes());
        inventory.blobs(this::read);
        List<Inventory.Result> results = inventory.results();
        for (Inventory.Result result : results) {
            check(result.key());
        }
        List<Damage> damages = new ArrayList<>(damagedResults);
        damagedBlobs.forEach((blob, found) -> damages.add(new Damage(
                inventory.place(blob), missing.contains(blob), found, neededBy.getOrDefault(blob, List.of()))));
        return new Report(blobs, readBytes, results.size(), damages, inventory.leftovers(), claims.standStill());
    }

    private void read(Inventory.Blob blob) throws IOException, InterruptedException {
        blobs++;
        try (InputStream in = store.open(blob.digest())) {
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
                readBytes += read;
                progress.show(readBytes, totalBytes, blobs + " blobs, " + damagedBlobs.size() + " damaged");
            }
            unreadable = 0;
        } catch (NoSuchFileException e) {
            // Collected since it was listed.
        } catch (DamagedFileException e) {
            damagedBlobs.put(blob.digest(), "has " + blob.sizeBytes() + " bytes whose digest is another one");
        } catch (InterruptedIOException e) {
            throw e;
        } catch (IOException e) {
            if (++unreadable >= MOST_UNREADABLE) {
                throw e;
            }
            damagedBlobs.put(blob.digest(), "cannot be read: " + e.getMessage());
        }
    }

    private void check(JobKey key) throws IOException {
        Optional<JobResult> result;
        try {
            result = store.result(key);
        } catch (DamagedFileException e) {
            damagedResults.add(
                    new Damage(inventory.place(key), false, "is no result: " + e.getMessage(), List.of(key)));
            return;
        }
        if (result.isPresent()) {
            check(key, result.get().output());
        }
    }

    private void check(JobKey key, ArtifactRef output) throws IOException {
        Manifest manifest;
        try {
            manifest = store.manifest(output);
        } catch (NoSuchFileException e) {
            missing.add(output.manifest());
            need(output.manifest(), key, "is missing: the manifest of an artifact");
            return;
        } catch (DamagedFileException e) {
            need(output.manifest(), key, String.valueOf(e.getMessage()));
            return;
        }
        for (Manifest.Entry file : manifest.files()) {
            Optional<Long> sizeBytes = store.sizeBytes(file.sha256());
            if (sizeBytes.isEmpty()) {
                missing.add(file.sha256());
                need(file.sha256(), key, "is missing: '" + file.name() + "' of artifact " + output.manifest());
            } else if (sizeBytes.get() != file.sizeBytes() || damagedBlobs.containsKey(file.sha256())) {
                String found = "has " + sizeBytes.get() + " bytes, expected " + file.sizeBytes();
                need(file.sha256(), key, found);
            }
        }
    }

    private void need(Digest blob, JobKey key, String found) {
        damagedBlobs.putIfAbsent(blob, found);
        neededBy.computeIfAbsent(blob, _ -> new ArrayList<>()).add(key);
    }
}
