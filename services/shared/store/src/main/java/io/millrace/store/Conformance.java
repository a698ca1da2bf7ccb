package io.millrace.store;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Cost;
import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Whether a store really does what work relies on: some servers and shares accept a conditional create and do not keep
 * it. Writers race for fresh keys, which are taken away again; one small blob stays.
 *
 * @param problems what is wrong and what to do; empty if the store is fit
 */
public record Conformance(List<String> problems) {
    private static final int ROUNDS = 5;
    private static final int WRITERS = 8;
    private static final byte[] PROBE = "millrace store probe\n".getBytes(StandardCharsets.UTF_8);

    public Conformance {
        problems = List.copyOf(problems);
    }

    public boolean fit() {
        return problems.isEmpty();
    }

    public static Conformance of(ArtifactStore store) throws InterruptedException {
        List<String> problems = new ArrayList<>();
        try (ExecutorService writers = Executors.newFixedThreadPool(WRITERS)) {
            blobs(store, problems);
            largeFiles(store, problems);
            for (int round = 0; round < ROUNDS && problems.isEmpty(); round++) {
                JobKey key = new JobKey(Digest.of("probe " + UUID.randomUUID()));
                commits(store, key, writers, problems);
                claims(store, key, writers, problems);
            }
        } catch (IOException e) {
            problems.add("the store failed: " + e
                    + "; a store must be writable, and a folder needs hard links and file locks");
        }
        return new Conformance(problems);
    }

    private static void blobs(ArtifactStore store, List<String> problems) throws IOException {
        if (!isReadBack(store, store.put(PROBE))) {
            problems.add("a blob was not read back as it was written");
        }
    }

    private static boolean isReadBack(ArtifactStore store, Digest blob) throws IOException {
        try (InputStream in = store.open(blob)) {
            return Arrays.equals(in.readAllBytes(), PROBE);
        }
    }

    /** A server without multipart uploads would be found out by the first model that is larger than a part. */
    private static void largeFiles(ArtifactStore store, List<String> problems) throws IOException {
        Path file = Files.write(Files.createTempFile("millrace-probe", ".bin"), PROBE);
        try {
            if (!isReadBack(store, store.putAsLarge(file))) {
                problems.add("a file that was sent in parts was not read back as it was written");
            }
        } catch (IOException e) {
            problems.add("large files cannot be stored here, which are sent in parts: " + e.getMessage());
        } finally {
            Files.delete(file);
        }
    }

    private static void commits(ArtifactStore store, JobKey key, ExecutorService writers, List<String> problems)
            throws IOException, InterruptedException {
        ArtifactRef output = ArtifactRef.inStore(Digest.of(PROBE));
        List<Callable<Commit>> race = new ArrayList<>();
        for (int writer = 0; writer < WRITERS; writer++) {
            JobResult result =
                    new JobResult(key, output, 0, List.of(), new Cost(Duration.ZERO, 0, 0), "probe-" + writer);
            race.add(() -> store.commit(result));
        }
        List<Commit> commits = run(race, writers);
        long won = commits.stream().filter(Commit.Won.class::isInstance).count();
        long standing = commits.stream().map(Commit::standing).distinct().count();
        if (won != 1 || standing != 1) {
            problems.add("of " + WRITERS + " writers of one result " + won + " won and " + standing
                    + " results were seen, expected 1 and 1: conditional create is not atomic here; use another store");
        }
        store.dropResult(commits.getFirst().standing());
    }

    private static void claims(ArtifactStore store, JobKey key, ExecutorService writers, List<String> problems)
            throws IOException, InterruptedException {
        List<Callable<Boolean>> race = new ArrayList<>();
        for (int writer = 0; writer < WRITERS; writer++) {
            Claim claim = new Claim(key, "probe-" + writer, 1, 0);
            race.add(() -> store.replaceClaim(Optional.empty(), claim));
        }
        long won = run(race, writers).stream().filter(Boolean::booleanValue).count();
        if (won != 1) {
            problems.add("of " + WRITERS + " claims on one key " + won
                    + " were granted, expected 1: compare and replace is not atomic here; use another store");
        }
        Optional<Claim> standing = store.claim(key);
        if (standing.isPresent()) {
            store.dropClaim(key, standing.get().holder());
        }
    }

    private static <T> List<T> run(List<Callable<T>> race, ExecutorService writers)
            throws IOException, InterruptedException {
        List<T> outcomes = new ArrayList<>();
        for (Future<T> outcome : writers.invokeAll(race)) {
            try {
                outcomes.add(outcome.get());
            } catch (ExecutionException e) {
                throw new IOException(String.valueOf(e.getCause()), e);
            }
        }
        return outcomes;
    }
}
