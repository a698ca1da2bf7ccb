package io.millrace.store;

import static org.junit.jupiter.api.Assumptions.abort;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.BucketAlreadyExistsException;
import software.amazon.awssdk.services.s3.model.BucketAlreadyOwnedByYouException;

/**
 * An S3 server as a process of its own, on a port that it chose; or another one that runs already, which {@code
 * MILLRACE_S3} names if it knows the key of these tests, and {@code MILLRACE_S3_TRUSTING} if it asks for none.
 */
public final class S3Proxy {
    public static final String BUCKET = "millrace-test";
    private static final Path JAR = Path.of(System.getProperty("millrace.s3proxy", "target/s3proxy/s3proxy.jar"));
    private static final Pattern STARTED = Pattern.compile(".*Started .*ServerConnector.*127\\.0\\.0\\.1:(\\d+).*");
    private static final String IDENTITY = "test-identity";
    private static final String SECRET = "test-secret";

    private final Optional<Process> process;
    private final URI endpoint;

    private S3Proxy(Optional<Process> process, URI endpoint) {
        this.process = process;
        this.endpoint = endpoint;
    }

    /** Starts the server with one empty bucket, in its memory; the test is skipped where the jar is missing. */
    public static S3Proxy start(Path folder) throws IOException {
        Optional<S3Proxy> another = another("MILLRACE_S3");
        return another.isPresent() ? another.get() : start(folder, "aws-v2-or-v4", "transient-nio2");
    }

    /** A server whose buckets are folders below this one, so that a test can make objects older. */
    public static S3Proxy startOnDisk(Path folder) throws IOException {
        return start(folder, "aws-v2-or-v4", "filesystem-nio2");
    }

    /** A server that takes every signature. */
    static S3Proxy startTrusting(Path folder) throws IOException {
        Optional<S3Proxy> another = another("MILLRACE_S3_TRUSTING");
        return another.isPresent() ? another.get() : start(folder, "none", "transient-nio2");
    }

    private static Optional<S3Proxy> another(String variable) {
        return Optional.ofNullable(System.getenv(variable))
                .map(endpoint -> new S3Proxy(Optional.empty(), URI.create(endpoint)).withBucket());
    }

    private static S3Proxy start(Path folder, String authorization, String provider) throws IOException {
        if (!Files.exists(JAR)) {
            System.out.println("skipped: " + JAR + " is not there; the build fetches it before the integration tests");
            abort("no s3proxy");
        }
        Path settings = Files.writeString(
                folder.resolve("s3proxy.conf"), """
                s3proxy.endpoint=http://127.0.0.1:0
                s3proxy.authorization=%s
                s3proxy.identity=%s
                s3proxy.credential=%s
                jclouds.provider=%s
                jclouds.filesystem.basedir=%s
                jclouds.identity=none
                jclouds.credential=none
                """.formatted(authorization, IDENTITY, SECRET, provider, folder));
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx256m",
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-jar",
                        JAR.toString(),
                        "--properties",
                        settings.toString())
                .redirectErrorStream(true)
                .start();
        return new S3Proxy(Optional.of(process), URI.create("http://127.0.0.1:" + port(process))).withBucket();
    }

    private S3Proxy withBucket() {
        knowCredentials();
        try (S3Client client = client()) {
            client.createBucket(create -> create.bucket(BUCKET));
        } catch (BucketAlreadyOwnedByYouException | BucketAlreadyExistsException e) {
            // Of another class of tests.
        }
        return this;
    }

    /** Reads on for ever in the background, so that the server never waits for its log to be read. */
    private static int port(Process process) throws IOException {
        BufferedReader log = process.inputReader();
        StringBuilder said = new StringBuilder();
        for (String line = log.readLine(); line != null; line = log.readLine()) {
            Matcher started = STARTED.matcher(line);
            if (started.matches()) {
                Thread.ofVirtual().start(() -> readOn(log));
                return Integer.parseInt(started.group(1));
            }
            said.append(line).append('\n');
        }
        throw new IOException("s3proxy ended before it listened:\n" + said);
    }

    private static void readOn(BufferedReader log) {
        try {
            log.transferTo(Writer.nullWriter());
        } catch (IOException e) {
            // The server was stopped.
        }
    }

    /** What the SDK's default chain finds first. */
    static void knowCredentials() {
        credentials(IDENTITY, SECRET);
    }

    static void credentials(String identity, String secret) {
        System.setProperty("aws.accessKeyId", identity);
        System.setProperty("aws.secretAccessKey", secret);
    }

    URI endpoint() {
        return endpoint;
    }

    /** The address of the store below a prefix, through this endpoint. */
    public static String address(String prefix, URI endpoint, Path cache) {
        return "s3://" + BUCKET + "/" + prefix + "?path-style&endpoint=" + endpoint + "&cache=" + cache;
    }

    S3Client client() {
        return S3Client.builder()
                .endpointOverride(endpoint)
                .forcePathStyle(true)
                .region(Region.US_EAST_1)
                .httpClientBuilder(Apache5HttpClient.builder())
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create(IDENTITY, SECRET)))
                .build();
    }

    void stop() throws InterruptedException {
        if (process.isPresent()) {
            process.get().destroy();
            if (!process.get().waitFor(10, TimeUnit.SECONDS)) {
                process.get().destroyForcibly().waitFor();
            }
        }
    }
}
