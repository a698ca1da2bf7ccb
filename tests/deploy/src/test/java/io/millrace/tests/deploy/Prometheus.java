package io.millrace.tests.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/** A Prometheus that scrapes these ports each second and has the repository's rules. */
final class Prometheus implements AutoCloseable {
    private static final Duration START = Duration.ofSeconds(60);

    private final HttpClient http = HttpClient.newHttpClient();
    private final ObjectMapper json = new ObjectMapper();
    private final Process process;
    private final int port;

    private Prometheus(Process process, int port) {
        this.process = process;
        this.port = port;
    }

    /** @param ports by service */
    static Prometheus start(OperationsTool program, Path folder, Map<String, Integer> ports) throws IOException {
        Path config = Files.writeString(folder.resolve("prometheus.yml"), config(ports));
        Path log = folder.resolve("prometheus.log");
        int port = freePort();
        Prometheus prometheus = new Prometheus(
                program.start(
                        log,
                        "--config.file=" + config,
                        "--storage.tsdb.path=" + folder.resolve("tsdb"),
                        "--web.listen-address=127.0.0.1:" + port),
                port);
        Awaitility.await("Prometheus, whose log is " + log)
                .atMost(START)
                .failFast(() -> !prometheus.process.isAlive())
                .ignoreExceptionsInstanceOf(IOException.class)
                .until(() -> prometheus.get("/-/ready").statusCode() == 200);
        return prometheus;
    }

    /** The series that answer now; an error of the query is one of the test. */
    List<JsonNode> ask(String expression) throws IOException, InterruptedException {
        HttpResponse<String> answer =
                get("/api/v1/query?query=" + URLEncoder.encode(expression, StandardCharsets.UTF_8));
        if (answer.statusCode() != 200) {
            throw new AssertionError(expression + ": " + answer.body());
        }
        return json.readTree(answer.body()).at("/data/result").valueStream().toList();
    }

    private HttpResponse<String> get(String path) throws IOException, InterruptedException {
        return http.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private static String config(Map<String, Integer> ports) {
        StringBuilder config = new StringBuilder("""
                global: {scrape_interval: 1s, evaluation_interval: 1s}
                rule_files: ["%s"]
                scrape_configs:
                """.formatted(Repository.RULES));
        for (String job : List.of(WatchedPipeline.CONDUCTOR, WatchedPipeline.STAGES)) {
            config.append("  - job_name: ").append(job).append("\n    static_configs:\n");
            ports.forEach((service, port) -> {
                if (WatchedPipeline.job(service).equals(job)) {
                    config.append(
                            "      - {targets: ['localhost:%d'], labels: {service: %s}}\n".formatted(port, service));
                }
            });
        }
        return config.toString();
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
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                throw new AssertionError("Prometheus did not stop within 30 s of SIGTERM");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            process.destroyForcibly();
        }
    }
}
