package io.millrace.store;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The store in a bucket of S3 or of a server that speaks like it, with atomic conditional writes; any number of processes
 * on any number of machines may open it at once. Credentials come from the surroundings, as the SDK finds them.
 *
 * <pre>
 * blobs/&lt;2 hex&gt;/&lt;sha-256&gt;     in one request, or in parts that become visible together
 * results/, claims/           small objects that only conditional creates (If-None-Match: *) make
 * condemned/                  blobs that are just being collected
 * probe                       tells at the start that the server keeps the condition
 * </pre>
 */
public final class S3Store implements ArtifactStore {
    private static final Logger LOG = LoggerFactory.getLogger(S3Store.class);
    private static final Duration BEAT_INTERVAL = Duration.ofSeconds(10);
    /** A connection may die without a word: a claim is asked for anew before others take it for a dead holder's. */
    private static final Duration CLAIM_PATIENCE = BEAT_INTERVAL.dividedBy(2);

    private static final Duration LEFT_BEHIND_AFTER = Duration.ofDays(1);
    private static final Duration SILENCE = Duration.ofSeconds(30);
    private static final int PART_BYTES = 16 << 20;

    private final S3Bucket bucket;
    private final S3Blobs blobs;
    private final S3Results results;
    private final S3Claims claims;
    private final VerifiedFiles verified = new VerifiedFiles();
    private final S3Address address;
    private @Nullable BlobCache cache;
    private final S3Inventory inventory;

    private S3Store(S3Address address, S3Bucket bucket, S3Uploads uploads, Duration renewedAfter) {
        S3Condemned condemned = new S3Condemned(bucket, MonotonicTime.SYSTEM);
        this.bucket = bucket;
        this.blobs = new S3Blobs(bucket, uploads, condemned, renewedAfter);
        this.results = new S3Results(bucket);
        this.inventory = new S3Inventory(bucket, uploads, results, condemned);
        this.claims = new S3Claims(bucket.answeringWithin(CLAIM_PATIENCE));
        this.address = address;
    }

    /** Opens the store; fails if the bucket cannot be used, or does not keep conditions. */
    static S3Store open(S3Address address) throws IOException {
        return open(address, SILENCE, PART_BYTES, BlobFolder.RENEWED_AFTER);
    }

    static S3Store open(S3Address address, Duration silence, int partBytes, Duration renewedAfter) throws IOException {
        return reach(address, silence, bucket -> {
            S3Conditions.require(address, bucket);
            S3Uploads uploads = new S3Uploads(bucket, partBytes);
            sweep(uploads);
            S3Store store = new S3Store(address, bucket, uploads, renewedAfter);
            var _ = store.cache();
            return store;
        });
    }

    /** Opens the store with no more than the rights to list and to read. */
    static S3Store openToRead(S3Address address) throws IOException {
        return reach(
                address,
                SILENCE,
                bucket -> new S3Store(address, bucket, new S3Uploads(bucket, PART_BYTES), BlobFolder.RENEWED_AFTER));
    }

    private interface Opening {
        S3Store open(S3Bucket bucket) throws IOException;
    }

    private static S3Store reach(S3Address address, Duration silence, Opening opening) throws IOException {
        S3Bucket bucket = S3Bucket.connect(address, silence);
        try {
            bucket.reach();
            return opening.open(bucket);
        } catch (IOException | RuntimeException e) {
            bucket.close();
            throw e;
        }
    }

    private static void sweep(S3Uploads uploads) {
        try {
            uploads.sweep(LEFT_BEHIND_AFTER);
        } catch (IOException e) {
            LOG.warn("uploads that others left behind were not looked for: {}", e.getMessage());
        }
    }

    @Override
    public Digest put(Path file) throws IOException {
        return blobs.put(file, Optional.empty(), _ -> {});
    }

    @Override
    public Digest put(Path file, Optional<Digest> known) throws IOException {
        return blobs.put(file, known, _ -> {});
    }

    @Override
    public Digest put(Path file, LongConsumer stored) throws IOException {
        Digest digest = blobs.put(file, Optional.empty(), stored);
        stored.accept(Files.size(file));
        return digest;
    }

    @Override
    public Digest putAsLarge(Path file) throws IOException {
        return blobs.putInParts(file);
    }

    @Override
    public Digest put(byte[] content) throws IOException {
        return blobs.put(content);
    }

    @Override
    public InputStream open(Digest blob) throws IOException {
        return blobs.open(blob);
    }

    @Override
    public Optional<Long> sizeBytes(Digest blob) throws IOException {
        return blobs.sizeBytes(blob);
    }

    @Override
    public Path checkOut(ArtifactRef artifact, Manifest manifest, Path folder) throws IOException {
        return new CheckOut(verified, cache()::checkOut).run(artifact, manifest, folder);
    }

    /** Who opens the store to read may never need it, nor be allowed to make it where another's lies. */
    private synchronized BlobCache cache() throws IOException {
        BlobCache opened = cache;
        if (opened == null) {
            opened = BlobCache.open(address.cacheFolder(), address.cacheBytes(), verified, blobs);
            cache = opened;
        }
        return opened;
    }

    @Override
    public Optional<JobResult> result(JobKey key) throws IOException {
        return results.read(key);
    }

    @Override
    public Commit commit(JobResult result) throws IOException {
        try {
            return results.commit(result);
        } catch (DamagedFileException e) {
            var _ = UsableResult.of(this, result.key());
            return results.commit(result);
        }
    }

    @Override
    public boolean dropResult(JobResult damaged) throws IOException {
        return results.drop(damaged);
    }

    @Override
    public Optional<String> dropUnreadableResult(JobKey key) throws IOException {
        return results.dropUnreadable(key);
    }

    @Override
    public Optional<Claim> claim(JobKey key) throws IOException {
        return claims.read(key);
    }

    @Override
    public boolean replaceClaim(Optional<Claim> expected, Claim next) throws IOException {
        return claims.replace(expected, next);
    }

    @Override
    public void dropClaim(JobKey key, String holder) throws IOException {
        claims.drop(key, holder);
    }

    @Override
    public Inventory inventory() {
        return inventory;
    }

    @Override
    public Duration beatInterval() {
        return BEAT_INTERVAL;
    }

    @Override
    public void close() {
        bucket.close();
    }
}
