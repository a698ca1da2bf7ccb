package io.millrace.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** s3proxy on a folder of this disk, as a process of its own. */
final class S3Process implements AutoCloseable {
    static final String IDENTITY = "benchmark";
    static final String SECRET = "benchmark-secret";

    private static final Path JAR = Path.of("target", "s3proxy", "s3proxy.jar");
    private static final Pattern STARTED = Pattern.compile(".*Started .*ServerConnector.*127\\.0\\.0\\.1:(\\d+).*");

    private final Process process;
    private final URI endpoint;

    private S3Process(Process process, URI endpoint) {
        this.process = process;
        this.endpoint = endpoint;
    }

    static S3Process start(Path folder) throws IOException {
        if (!Files.exists(JAR)) {
            throw new IOException(JAR + " is not there; start the benchmark by Maven, which fetches it");
        }
        Path settings = Files.writeString(folder.resolve("s3proxy.conf"), """
                s3proxy.endpoint=http://127.0.0.1:0
                s3proxy.authorization=aws-v2-or-v4
                s3proxy.identity=%s
                s3proxy.credential=%s
                jclouds.provider=filesystem-nio2
                jclouds.filesystem.basedir=%s
                jclouds.identity=none
                jclouds.credential=none
                """.formatted(
                        IDENTITY, SECRET, Files.createDirectories(folder.resolve("objects"))));
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx512m",
                        "-jar",
                        JAR.toString(),
                        "--properties",
                        settings.toString())
                .redirectErrorStream(true)
                .start();
        return new S3Process(process, URI.create("http://127.0.0.1:" + port(process)));
    }

    /** Reads on in the background, so that the server never waits for its log to be read. */
    private static int port(Process process) throws IOException {
        BufferedReader log = process.inputReader();
        for (String line = log.readLine(); line != null; line = log.readLine()) {
            Matcher started = STARTED.matcher(line);
            if (started.matches()) {
                Thread.ofVirtual().start(() -> readOn(log));
                return Integer.parseInt(started.group(1));
            }
        }
        throw new IOException("s3proxy ended before it listened");
    }

    private static void readOn(BufferedReader log) {
        try {
            while (log.readLine() != null) {
                // Nobody wants it.
            }
        } catch (IOException e) {
            // The server has ended.
        }
    }

    URI endpoint() {
        return endpoint;
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
