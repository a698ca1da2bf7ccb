package io.millrace.store;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/** The store in the memory of one process, for benchmarks and tests: the same contract, and nothing survives. */
public final class MemoryStore implements ArtifactStore {
    private static final Duration BEAT_INTERVAL = Duration.ofSeconds(1);

    private final ConcurrentMap<Digest, byte[]> blobs = new ConcurrentHashMap<>();
    private final ConcurrentMap<JobKey, JobResult> results = new ConcurrentHashMap<>();
    private final ConcurrentMap<JobKey, Claim> claims = new ConcurrentHashMap<>();
    private final VerifiedFiles verified = new VerifiedFiles();

    @Override
    public Digest put(Path file) throws IOException {
        return keep(Files.readAllBytes(file));
    }

    @Override
    public Digest put(byte[] content) {
        return keep(content.clone());
    }

    private Digest keep(byte[] content) {
        Digest digest = Digest.of(content);
        blobs.putIfAbsent(digest, content);
        return digest;
    }

    @Override
    public InputStream open(Digest blob) throws IOException {
        byte[] content = blobs.get(blob);
        if (content == null) {
            throw new NoSuchFileException(blob.hex(), null, "this blob is not in the store; run the job again");
        }
        return new ByteArrayInputStream(content);
    }

    @Override
    public Optional<Long> sizeBytes(Digest blob) {
        return Optional.ofNullable(blobs.get(blob)).map(content -> Long.valueOf(content.length));
    }

    @Override
    public Path checkOut(ArtifactRef artifact, Path folder) throws IOException {
        return new CheckOut(this, verified, this::write).run(artifact, folder);
    }

    private void write(Manifest.Entry entry, Path target) throws IOException {
        Files.deleteIfExists(target);
        try (InputStream in = open(entry.sha256())) {
            Files.copy(in, target);
        }
        if (!target.toFile().setReadOnly()) {
            throw new IOException(target + ": could not be made read-only");
        }
    }

    @Override
    public Optional<JobResult> result(JobKey key) {
        return Optional.ofNullable(results.get(key));
    }

    @Override
    public Commit commit(JobResult result) {
        JobResult standing = results.putIfAbsent(result.key(), result);
        if (standing == null) {
            return new Commit.Won(result);
        }
        return standing.writer().equals(result.writer()) ? new Commit.Won(standing) : new Commit.Lost(standing);
    }

    @Override
    public boolean dropResult(JobResult damaged) {
        JobResult standing = results.get(damaged.key());
        return standing != null
                && standing.writer().equals(damaged.writer())
                && results.remove(damaged.key(), standing);
    }

    @Override
    public Optional<Claim> claim(JobKey key) {
        return Optional.ofNullable(claims.get(key));
    }

    @Override
    public boolean replaceClaim(Optional<Claim> expected, Claim next) {
        return expected.map(claim -> claims.replace(next.key(), claim, next))
                .orElseGet(() -> claims.putIfAbsent(next.key(), next) == null);
    }

    @Override
    public void dropClaim(JobKey key, String holder) {
        claims.computeIfPresent(key, (_, claim) -> claim.holder().equals(holder) ? null : claim);
    }

    @Override
    public Duration beatInterval() {
        return BEAT_INTERVAL;
    }

    @Override
    public void close() {}
}
