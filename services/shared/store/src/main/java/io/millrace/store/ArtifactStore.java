package io.millrace.store;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Digest;
import io.millrace.events.JobKey;
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
 * Content-addressed files, committed results and claims. Each adapter keeps one contract. Every method may be called
 * from any thread; what a method reported is durable when it returns, claims excepted.
 */
public interface ArtifactStore extends AutoCloseable {
    /**
     * Stores a file's content and returns its digest, computed while writing. What is put stays for {@link
     * GarbageCollection#LEAST_GRACE} at least, less an hour, also if it was there before and nothing names it yet.
     */
    Digest put(Path file) throws IOException;

    /** The same, of a file whose writer may have computed its digest. */
    default Digest put(Path file, Optional<Digest> known) throws IOException {
        return put(file);
    }

    /** The same, of a file that may be long on its way. {@code stored} is told again and again how many of its bytes are. */
    default Digest put(Path file, LongConsumer stored) throws IOException {
        Digest digest = put(file);
        stored.accept(Files.size(file));
        return digest;
    }

    /** Stores a file the way that large ones take, where it is another: for {@link Conformance}. */
    default Digest putAsLarge(Path file) throws IOException {
        return put(file);
    }

    /** Stores bytes. */
    Digest put(byte[] content) throws IOException;

    /**
     * The content of a blob; {@link NoSuchFileException} if it is not there. The stream throws {@link
     * DamagedFileException} at its end if what it read is not the blob.
     */
    InputStream open(Digest blob) throws IOException;

    /** The size of a blob in bytes; empty if it is not there. */
    Optional<Long> sizeBytes(Digest blob) throws IOException;

    default boolean contains(Digest blob) throws IOException {
        return sizeBytes(blob).isPresent();
    }

    /** Stores the manifest; its blobs must be there. */
    default ArtifactRef publish(Manifest manifest) throws IOException {
        for (Manifest.Entry entry : manifest.files()) {
            if (!contains(entry.sha256())) {
                throw new NoSuchFileException(
                        entry.sha256().hex(), null, "the manifest names it for '" + entry.name() + "'; put it first");
            }
        }
        return ArtifactRef.inStore(put(manifest.encoded()));
    }

    /** Reads and verifies a manifest. */
    default Manifest manifest(ArtifactRef artifact) throws IOException {
        return ManifestBlob.read(this, artifact.manifest());
    }

    /**
     * Stores every regular file below the folder and the manifest that names them. Nobody may write to these files from
     * now on, only delete them: they may have become the store's own.
     */
    default ArtifactRef publishFolder(Path folder, SortedMap<String, String> metadata) throws IOException {
        return publishFolder(folder, metadata, Map.of()).artifact();
    }

    /** A folder that became an artifact. */
    record PublishedFolder(ArtifactRef artifact, Manifest manifest) {
        PublishedFolder(Digest digest, Manifest manifest) {
            this(ArtifactRef.inStore(digest), manifest);
        }
    }

    /**
     * The same; the manifest need not be read again.
     *
     * @param digests of files whose content its writer knows, by absolute path: a store may take them at their word, and
     *     finds out about a wrong one when the file is checked out
     */
    default PublishedFolder publishFolder(Path folder, SortedMap<String, String> metadata, Map<Path, Digest> digests)
            throws IOException {
        List<Manifest.Entry> entries = new ArrayList<>();
        for (Map.Entry<String, Path> file : FolderListing.of(folder).entrySet()) {
            Path path = file.getValue();
            Digest digest = put(path, Optional.ofNullable(digests.get(path.toAbsolutePath())));
            long sizeBytes = sizeBytes(digest)
                    .orElseThrow(() -> new IOException(digest.hex() + ": was stored for '" + file.getKey()
                            + "' and is not there; look for what deletes blobs of the store, and publish again"));
            entries.add(new Manifest.Entry(file.getKey(), sizeBytes, digest, FolderListing.mediaType(file.getKey())));
        }
        Manifest manifest = new Manifest(entries, metadata);
        return new PublishedFolder(put(manifest.encoded()), manifest);
    }

    /**
     * Makes the artifact's files readable below {@code folder}, each verified against its digest. They are read-only:
     * they may be the store's own. A checkpoint that stays in its own place is verified there; one that changed after it
     * was published is a {@link ChangedFileException}.
     *
     * @return where the files are: {@code folder}, or the checkpoint's own place
     */
    default Path checkOut(ArtifactRef artifact, Path folder) throws IOException {
        return checkOut(artifact, manifest(artifact), folder);
    }

    /** The same, of an artifact whose manifest has been read. */
    Path checkOut(ArtifactRef artifact, Manifest manifest, Path folder) throws IOException;

    /**
     * Whether the manifest and every file are there with their sizes: to be asked before a result is used again. A store
     * that does not watch over its bytes by itself, as S3 does, reads them too.
     */
    default boolean isComplete(ArtifactRef artifact) throws IOException {
        return ManifestBlob.isComplete(
                this, artifact, entry -> sizeBytes(entry.sha256()).equals(Optional.of(entry.sizeBytes())));
    }

    Optional<JobResult> result(JobKey key) throws IOException;

    /** Creates the result of its key unless there is one; exactly one writer of a key ever wins. */
    Commit commit(JobResult result) throws IOException;

    /**
     * Takes a result away whose artifact is no longer complete, if it still is the one that stands; then the key can be
     * computed anew.
     *
     * @return false if another result stands, or none
     */
    boolean dropResult(JobResult damaged) throws IOException;

    /**
     * Takes away what stands for a result and cannot be read; then the key can be computed anew. What another version of
     * Millrace wrote stays.
     *
     * @return what was found in its place; empty if nothing was taken away
     */
    Optional<String> dropUnreadableResult(JobKey key) throws IOException;

    Optional<Claim> claim(JobKey key) throws IOException;

    /**
     * Replaces the claim of a key, if it still is {@code expected} (empty: if there is none).
     *
     * @return false if another was quicker
     */
    boolean replaceClaim(Optional<Claim> expected, Claim next) throws IOException;

    /** Takes the claim away if it still has this holder. */
    void dropClaim(JobKey key, String holder) throws IOException;

    /** What is in the store, and the way to delete blobs that nothing names. */
    Inventory inventory();

    /** How often a holder raises its beat; three missed beats make a claim stale. */
    Duration beatInterval();

    @Override
    void close() throws IOException;
}
