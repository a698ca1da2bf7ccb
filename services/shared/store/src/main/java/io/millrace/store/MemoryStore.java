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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/** The store in the memory of one process, for benchmarks and tests: the same contract, and nothing survives. */
public final class MemoryStore implements ArtifactStore {
    private static final Duration BEAT_INTERVAL = Duration.ofSeconds(1);

    /** @param atNanos when it was last put */
    private record Kept<T>(T content, long atNanos) {}

    private final MonotonicTime time;
    private final ConcurrentMap<Digest, Kept<byte[]>> blobs = new ConcurrentHashMap<>();
    private final ConcurrentMap<JobKey, Kept<JobResult>> results = new ConcurrentHashMap<>();
    private final ConcurrentMap<JobKey, Claim> claims = new ConcurrentHashMap<>();
    private final VerifiedFiles verified = new VerifiedFiles();

    public MemoryStore() {
        this(MonotonicTime.SYSTEM);
    }

    /** @param time by which things grow old */
    MemoryStore(MonotonicTime time) {
        this.time = time;
    }

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
        blobs.put(digest, new Kept<>(content, time.nanos()));
        return digest;
    }

    @Override
    public InputStream open(Digest blob) throws IOException {
        Kept<byte[]> kept = blobs.get(blob);
        if (kept == null) {
            throw new NoSuchFileException(
                    blob.hex(), null, "this blob is not in the store; 'millrace store verify' says what needs it");
        }
        return new ByteArrayInputStream(kept.content());
    }

    @Override
    public Optional<Long> sizeBytes(Digest blob) {
        return Optional.ofNullable(blobs.get(blob)).map(kept -> (long) kept.content().length);
    }

    @Override
    public Path checkOut(ArtifactRef artifact, Manifest manifest, Path folder) throws IOException {
        return new CheckOut(verified, this::write).run(artifact, manifest, folder);
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
        return Optional.ofNullable(results.get(key)).map(Kept::content);
    }

    @Override
    public Commit commit(JobResult result) {
        Kept<JobResult> before = results.putIfAbsent(result.key(), new Kept<>(result, time.nanos()));
        if (before == null) {
            return new Commit.Won(result);
        }
        JobResult standing = before.content();
        return standing.writer().equals(result.writer()) ? new Commit.Won(standing) : new Commit.Lost(standing);
    }

    @Override
    public boolean dropResult(JobResult damaged) {
        Kept<JobResult> standing = results.get(damaged.key());
        return standing != null
                && standing.content().writer().equals(damaged.writer())
                && results.remove(damaged.key(), standing);
    }

    @Override
    public Optional<String> dropUnreadableResult(JobKey key) {
        return Optional.empty();
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
    public Inventory inventory() {
        return new MemoryInventory();
    }

    @Override
    public Duration beatInterval() {
        return BEAT_INTERVAL;
    }

    @Override
    public void close() {}

    private final class MemoryInventory implements Inventory {
        private Duration age(Kept<?> kept) {
            return Duration.ofNanos(time.nanos() - kept.atNanos());
        }

        @Override
        public void blobs(Visitor visitor) throws IOException, InterruptedException {
            for (Map.Entry<Digest, Kept<byte[]>> blob : new TreeMap<>(blobs).entrySet()) {
                visitor.visit(new Blob(blob.getKey(), blob.getValue().content().length, age(blob.getValue())));
            }
        }

        @Override
        public List<Result> results() {
            return new TreeMap<>(results)
                    .entrySet().stream()
                            .map(result -> new Result(result.getKey(), age(result.getValue())))
                            .toList();
        }

        @Override
        public List<JobKey> claims() {
            return List.copyOf(claims.keySet());
        }

        @Override
        public List<Leftover> leftovers() {
            return List.of();
        }

        @Override
        public List<Blob> delete(List<Blob> condemned, Duration grace) {
            List<Blob> deleted = new ArrayList<>();
            for (Blob blob : condemned) {
                blobs.computeIfPresent(blob.digest(), (_, kept) -> {
                    boolean old = age(kept).compareTo(grace) >= 0;
                    if (old) {
                        deleted.add(blob);
                    }
                    return old ? null : kept;
                });
            }
            return deleted;
        }

        @Override
        public String place(Digest blob) {
            return "blob " + blob;
        }

        @Override
        public String place(JobKey key) {
            return "result " + key;
        }
    }
}
