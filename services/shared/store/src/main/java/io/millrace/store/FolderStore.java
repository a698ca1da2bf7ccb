package io.millrace.store;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.function.LongConsumer;

/**
 * The store in a folder, on a local disk or on a share that has hard links and file locks; any number of processes may
 * open it at once.
 *
 * <pre>
 * blobs/&lt;2 hex&gt;/&lt;sha-256&gt;     written to tmp, synced, renamed; read-only
 * results/&lt;jobKey&gt;.json       written to tmp, synced, linked: the link exists for one writer alone
 * claims/&lt;jobKey&gt;.json        compared and replaced under a file lock; synced only when another process takes over
 * locks/&lt;2 hex&gt;.lock          taken for claims, for naming and deleting a blob, for dropping a result; never deleted
 * tmp/*.tmp                   being written; leftovers are deleted a day later
 * store-id                    linked by the first writer; tells this store from another that stands in its place
 * </pre>
 */
public final class FolderStore implements ArtifactStore {
    private static final Duration BEAT_INTERVAL = Duration.ofSeconds(1);

    private final VerifiedFiles verified = new VerifiedFiles();
    private final BlobFolder blobs;
    private final BlobReader reader;
    private final KeyedFiles<JobResult> results;
    private final KeyedFiles<Claim> claims;
    private final FolderLocks locks;
    private final FolderInventory inventory;
    private final FolderIdentity identity;

    private FolderStore(Path root, Disk disk, TempFiles temps) throws IOException {
        this.identity = FolderIdentity.open(root, disk, temps);
        this.locks = new FolderLocks(root.resolve("locks"));
        this.blobs = new BlobFolder(root.resolve("blobs"), disk, temps, locks, verified);
        this.reader = new BlobReader(blobs, verified);
        this.results = new KeyedFiles<>(root.resolve("results"), disk, temps, StoredJson::readResult);
        this.claims = new KeyedFiles<>(root.resolve("claims"), disk, temps, StoredJson::readClaim);
        this.inventory = new FolderInventory(root, blobs, temps);
    }

    /** Opens the store in this folder; an empty or missing folder becomes one. */
    public static FolderStore open(Path folder) throws IOException {
        return open(folder, new Disk());
    }

    static FolderStore open(Path folder, Disk disk) throws IOException {
        Path root = Files.createDirectories(folder).toRealPath();
        for (String part : List.of("blobs", "results", "claims", "locks", "tmp")) {
            Files.createDirectories(root.resolve(part));
        }
        disk.syncFolder(root);
        TempFiles temps = new TempFiles(root.resolve("tmp"), disk);
        temps.sweep();
        return new FolderStore(root, disk, temps);
    }

    /** Opens the store in this folder without a right to write there. */
    static FolderStore openToRead(Path folder) throws IOException {
        Path root = folder.toRealPath();
        Disk disk = new Disk();
        return new FolderStore(root, disk, TempFiles.toRead(root.resolve("tmp"), disk));
    }

    @Override
    public Digest put(Path file) throws IOException {
        return settled(blobs.write(file).digest());
    }

    @Override
    public Digest put(Path file, LongConsumer stored) throws IOException {
        try (InputStream in = new CountedInputStream(new FileInputStream(file.toFile()), stored)) {
            return settled(blobs.write(in).digest());
        }
    }

    @Override
    public Digest put(byte[] content) throws IOException {
        return settled(blobs.write(content));
    }

    private Digest settled(Digest blob) throws IOException {
        settle(List.of(blob));
        return blob;
    }

    private void settle(List<Digest> written) throws IOException {
        blobs.settle(written);
        identity.holdWritten();
    }

    @Override
    public InputStream open(Digest blob) throws IOException {
        try {
            return reader.open(blob);
        } catch (NoSuchFileException e) {
            throw blobs.missing(blob, e);
        }
    }

    @Override
    public Optional<Long> sizeBytes(Digest blob) throws IOException {
        return blobs.sizeBytes(blob);
    }

    /**
     * As the contract says; nothing is copied that can be linked, nor read that can be linked and has a known digest, and
     * folders are synced once at the end.
     */
    @Override
    public PublishedFolder publishFolder(Path folder, SortedMap<String, String> metadata, Map<Path, Digest> digests)
            throws IOException {
        List<Manifest.Entry> entries = new ArrayList<>();
        List<Digest> written = new ArrayList<>();
        for (Map.Entry<String, Path> file : FolderListing.of(folder).entrySet()) {
            Content content =
                    blobs.takeOver(file.getValue(), digests.get(file.getValue().toAbsolutePath()));
            written.add(content.digest());
            entries.add(new Manifest.Entry(
                    file.getKey(), content.sizeBytes(), content.digest(), FolderListing.mediaType(file.getKey())));
        }
        Manifest manifest = new Manifest(entries, metadata);
        Digest digest = blobs.write(manifest.encoded());
        written.add(digest);
        settle(written);
        return new PublishedFolder(digest, manifest);
    }

    @Override
    public Path checkOut(ArtifactRef artifact, Manifest manifest, Path folder) throws IOException {
        return new CheckOut(verified, this::checkOut).run(artifact, manifest, folder);
    }

    private void checkOut(Manifest.Entry entry, Path target) throws IOException {
        try {
            reader.checkOut(entry, target);
        } catch (NoSuchFileException e) {
            throw blobs.missing(entry.sha256(), e);
        }
    }

    /** Disks lose bits without a word, and a damaged model that is answered from here would be published unread. */
    @Override
    public boolean isComplete(ArtifactRef artifact) throws IOException {
        boolean complete = ManifestBlob.isComplete(this, artifact, entry -> {
            try {
                return blobs.isSound(entry.sha256(), entry.sizeBytes());
            } catch (NoSuchFileException e) {
                return false;
            }
        });
        identity.hold();
        return complete;
    }

    /** A result that is reported is durable, also when its writer is about to make it so. */
    @Override
    public Optional<JobResult> result(JobKey key) throws IOException {
        Optional<JobResult> result;
        try {
            result = results.read(key);
        } catch (DamagedFileException e) {
            throw new DamagedFileException(e.getMessage() + "; delete the file, and the job is done again", e);
        }
        if (result.isPresent()) {
            results.settle();
        }
        identity.hold();
        return result;
    }

    @Override
    public Commit commit(JobResult result) throws IOException {
        byte[] content = StoredJson.write(result);
        while (true) {
            Optional<JobResult> standing = UsableResult.of(this, result.key());
            if (standing.isEmpty() && results.create(result.key(), content)) {
                results.settle();
                identity.holdWritten();
                return new Commit.Won(result);
            }
            if (standing.isPresent()) {
                // On a network share the refusal may answer one's own link, sent twice.
                return standing.get().writer().equals(result.writer())
                        ? new Commit.Won(standing.get())
                        : new Commit.Lost(standing.get());
            }
        }
    }

    @Override
    public boolean dropResult(JobResult damaged) throws IOException {
        return locks.locked(damaged.key().toString(), () -> {
            identity.hold();
            boolean stands = results.read(damaged.key())
                    .filter(standing -> standing.writer().equals(damaged.writer()))
                    .isPresent();
            if (stands) {
                results.delete(damaged.key());
                results.settle();
            }
            return stands;
        });
    }

    @Override
    public Optional<String> dropUnreadableResult(JobKey key) throws IOException {
        return locks.locked(key.toString(), () -> {
            identity.hold();
            Optional<String> found = results.content(key)
                    .flatMap(content -> StoredJson.unreadable(results.path(key).toString(), content));
            if (found.isPresent()) {
                results.delete(key);
                results.settle();
            }
            return found;
        });
    }

    /** A claim file that is damaged, by a crash of the machine, counts as none: claims are not needed for correctness. */
    @Override
    public Optional<Claim> claim(JobKey key) throws IOException {
        try {
            return claims.read(key);
        } catch (DamagedFileException e) {
            return Optional.empty();
        }
    }

    @Override
    public boolean replaceClaim(Optional<Claim> expected, Claim next) throws IOException {
        return locks.locked(next.key().toString(), () -> {
            if (!claim(next.key()).equals(expected)) {
                return false;
            }
            boolean takeOver = expected.isPresent() && expected.get().starts() != next.starts();
            claims.replace(next.key(), StoredJson.write(next), takeOver);
            return true;
        });
    }

    @Override
    public void dropClaim(JobKey key, String holder) throws IOException {
        locks.locked(key.toString(), () -> {
            boolean held =
                    claim(key).filter(claim -> claim.holder().equals(holder)).isPresent();
            if (held) {
                claims.delete(key);
            }
            return held;
        });
    }

    @Override
    public Inventory inventory() {
        return inventory;
    }

    @Override
    public Duration beatInterval() {
        return BEAT_INTERVAL;
    }

    /** Holds nothing open. */
    @Override
    public void close() {}
}
