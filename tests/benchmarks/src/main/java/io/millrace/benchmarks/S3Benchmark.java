package io.millrace.benchmarks;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Digest;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Manifest;
import io.millrace.store.Stores;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/**
 * Storing, reading and checking out one large blob in S3, in turns with the same SDK's plain upload and download of the
 * same bytes to the same server, which computes no digest and resumes nothing.
 */
@Command(
        name = "s3",
        mixinStandardHelpOptions = true,
        description = "The S3 store's bytes per second beside those of the plain SDK, against a local s3proxy.")
final class S3Benchmark implements Callable<Integer> {
    private static final String BUCKET = "millrace-benchmark";
    private static final int BUFFER = 1 << 20;

    @Option(names = "--mebibytes", defaultValue = "256", description = "size of the blob (${DEFAULT-VALUE})")
    private int mebibytes;

    @Option(names = "--rounds", defaultValue = "5", description = "of each, in turns (${DEFAULT-VALUE})")
    private int rounds;

    private final Map<String, List<Turn>> turns = new LinkedHashMap<>();

    /** What one of them took; the processor's time is this process's alone, without the server's. */
    private record Turn(double seconds, double processorSeconds) {}

    private interface Work {
        void run() throws IOException;
    }

    @Override
    public Integer call() throws Exception {
        System.setProperty("aws.accessKeyId", S3Process.IDENTITY);
        System.setProperty("aws.secretAccessKey", S3Process.SECRET);
        try (Scratch scratch = Scratch.create();
                S3Process server = S3Process.start(scratch.folder());
                S3Client plain = client(server.endpoint())) {
            plain.createBucket(create -> create.bucket(BUCKET));
            String address = "s3://" + BUCKET + "/store?path-style&endpoint=" + server.endpoint() + "&cache="
                    + scratch.resolve("cache");
            try (ArtifactStore store = Stores.open(address)) {
                for (int round = -1; round < rounds; round++) {
                    if (round == 0) {
                        turns.clear();
                    }
                    turn(store, plain, blob(scratch.resolve("blob"), round), scratch);
                }
            }
        }
        System.out.printf("%d MiB, %d rounds after one to warm up, medians%n", mebibytes, rounds);
        tell("put by the store, digest included", "plain upload by the SDK");
        tell("read by the store, verified", "plain download by the SDK");
        tell("checked out by the store, verified", "plain download to a file, forced");
        return 0;
    }

    private void turn(ArtifactStore store, S3Client plain, Path file, Scratch scratch) throws IOException {
        time("put by the store, digest included", () -> store.put(file));
        Manifest manifest = new Manifest(
                List.of(Manifest.Entry.of("blob", file, OutputStream.nullOutputStream())), new TreeMap<>());
        ArtifactRef artifact = store.publish(manifest);
        Digest digest = manifest.files().getFirst().sha256();
        time(
                "plain upload by the SDK",
                () -> plain.putObject(request -> request.bucket(BUCKET).key("plain"), file));
        time("read by the store, verified", () -> {
            try (InputStream blob = store.open(digest)) {
                blob.transferTo(OutputStream.nullOutputStream());
            }
        });
        time("plain download by the SDK", () -> download(plain, OutputStream.nullOutputStream()));
        time(
                "checked out by the store, verified",
                () -> store.checkOut(artifact, Files.createTempDirectory(scratch.folder(), "out")));
        time("plain download to a file, forced", () -> {
            try (FileOutputStream out =
                    new FileOutputStream(scratch.resolve("plain").toFile())) {
                download(plain, out);
                out.getFD().sync();
            }
        });
    }

    private static void download(S3Client plain, OutputStream out) throws IOException {
        try (InputStream object =
                plain.getObject(request -> request.bucket(BUCKET).key("plain"))) {
            object.transferTo(out);
        }
    }

    private void time(String name, Work work) throws IOException {
        long began = System.nanoTime();
        long processor = processorNanos();
        work.run();
        turns.computeIfAbsent(name, _ -> new ArrayList<>())
                .add(new Turn((System.nanoTime() - began) / 1e9, (processorNanos() - processor) / 1e9));
    }

    private static long processorNanos() {
        return ProcessHandle.current()
                .info()
                .totalCpuDuration()
                .orElse(Duration.ZERO)
                .toNanos();
    }

    private void tell(String ours, String plain) {
        double our = tell(ours);
        double other = tell(plain);
        Figure.beside("share of it", our / other, "");
    }

    private double tell(String name) {
        double rate = mebibytes / median(name, Turn::seconds);
        Figure.beside(name, rate, "MiB/s");
        Figure.beside("  processor", 1024 * median(name, Turn::processorSeconds) / mebibytes, "s/GiB");
        return rate;
    }

    private double median(String name, ToDoubleFunction<Turn> figure) {
        return Figure.median(
                turns.getOrDefault(name, List.of()).stream().mapToDouble(figure).toArray());
    }

    /** Other bytes each round: what is stored once is not stored again. */
    private Path blob(Path file, int round) throws Exception {
        Random random = new Random(round);
        byte[] block = new byte[BUFFER];
        try (OutputStream out = Files.newOutputStream(file)) {
            for (int written = 0; written < mebibytes; written++) {
                random.nextBytes(block);
                out.write(block);
            }
        }
        return file;
    }

    private static S3Client client(URI endpoint) {
        return S3Client.builder()
                .endpointOverride(endpoint)
                .forcePathStyle(true)
                .region(Region.US_EAST_1)
                .httpClientBuilder(Apache5HttpClient.builder())
                .credentialsProvider(StaticCredentialsProvider.create(
                        AwsBasicCredentials.create(S3Process.IDENTITY, S3Process.SECRET)))
                .build();
    }
}
