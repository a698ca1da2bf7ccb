package io.millrace.benchmarks;

import io.millrace.events.Digest;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Stores;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/**
 * Storing and reading one large blob in S3, in turns with the same SDK's plain upload and download of the same bytes to
 * the same server, which computes no digest and resumes nothing.
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

    @Override
    public Integer call() throws Exception {
        double[] stored = new double[rounds];
        double[] uploaded = new double[rounds];
        double[] read = new double[rounds];
        double[] downloaded = new double[rounds];
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
                    Path file = blob(scratch.resolve("blob"), round);
                    long began = System.nanoTime();
                    Digest digest = store.put(file);
                    double put = seconds(began);
                    began = System.nanoTime();
                    plain.putObject(request -> request.bucket(BUCKET).key("plain"), file);
                    double upload = seconds(began);
                    began = System.nanoTime();
                    try (InputStream blob = store.open(digest)) {
                        blob.transferTo(OutputStream.nullOutputStream());
                    }
                    double open = seconds(began);
                    began = System.nanoTime();
                    try (InputStream object =
                            plain.getObject(request -> request.bucket(BUCKET).key("plain"))) {
                        object.transferTo(OutputStream.nullOutputStream());
                    }
                    if (round >= 0) {
                        stored[round] = put;
                        uploaded[round] = upload;
                        read[round] = open;
                        downloaded[round] = seconds(began);
                    }
                }
            }
        }
        System.out.printf("%d MiB, %d rounds after one to warm up, medians%n", mebibytes, rounds);
        tell("put by the store, digest included", "plain upload by the SDK", stored, uploaded);
        tell("read by the store, verified", "plain download by the SDK", read, downloaded);
        return 0;
    }

    private void tell(String ours, String plain, double[] ourSeconds, double[] plainSeconds) {
        double our = mebibytes / Figure.median(ourSeconds);
        double other = mebibytes / Figure.median(plainSeconds);
        Figure.beside(ours, our, "MiB/s");
        Figure.beside(plain, other, "MiB/s");
        Figure.beside("share of it", our / other, "");
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

    private static double seconds(long began) {
        return (System.nanoTime() - began) / 1e9;
    }
}
