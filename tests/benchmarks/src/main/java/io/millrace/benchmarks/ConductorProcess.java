package io.millrace.benchmarks;

import io.millrace.cli.local.JavaCommand;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** {@code millrace conductor} as a cluster runs it: a process of its own, whose memory and start can be measured. */
final class ConductorProcess implements AutoCloseable {
    private static final Duration LONGEST_START = Duration.ofMinutes(5);
    private static final Duration LONGEST_STOP = Duration.ofSeconds(60);
    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(20);

    private final Process process;
    private final Duration start;

    private ConductorProcess(Process process, Duration start) {
        this.process = process;
        this.start = start;
    }

    /** Starts it and waits until it is ready. */
    static ConductorProcess start(String kafka, Path state, Path logs) throws IOException, InterruptedException {
        int port = freePort();
        long began = System.nanoTime();
        JavaCommand command = new JavaCommand(
                "conductor",
                "io.millrace.cli.Main",
                List.of("-Xmx512m", "-XX:+ExitOnOutOfMemoryError"),
                List.of(
                        "conductor",
                        "--kafka",
                        kafka,
                        "--state",
                        state.toString(),
                        "--management-port",
                        Integer.toString(port)));
        Process process = command.start(logs);
        try (HttpClient http = HttpClient.newHttpClient()) {
            HttpRequest ready = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/readyz"))
                    .timeout(Duration.ofSeconds(5))
                    .build();
            while (!isReady(http, ready)) {
                Duration waited = Duration.ofNanos(System.nanoTime() - began);
                if (!process.isAlive() || waited.compareTo(LONGEST_START) > 0) {
                    process.destroyForcibly();
                    throw new IllegalStateException("the conductor was not ready after " + waited.toSeconds()
                            + " s; its log: " + command.log(logs));
                }
                Thread.sleep(BETWEEN_LOOKS);
            }
        }
        return new ConductorProcess(process, Duration.ofNanos(System.nanoTime() - began));
    }

    /** From starting the process until it was ready. */
    double startSeconds() {
        return start.toNanos() / 1e9;
    }

    double mebibytes() {
        return ResidentMemory.mebibytes(process.toHandle());
    }

    private static boolean isReady(HttpClient http, HttpRequest request) throws InterruptedException {
        try {
            return http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
        } catch (IOException e) {
            return false; // Not listening yet.
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(LONGEST_STOP.toSeconds(), TimeUnit.SECONDS)) {
                throw new IllegalStateException(
                        "the conductor did not stop within " + LONGEST_STOP.toSeconds() + " s of SIGTERM");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            process.destroyForcibly();
        }
    }
}
