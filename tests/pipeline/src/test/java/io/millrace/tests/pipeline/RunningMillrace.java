package io.millrace.tests.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/** {@code millrace up}, until it is closed or killed. */
final class RunningMillrace implements AutoCloseable {
    private static final Duration LONGEST_START = Duration.ofMinutes(3);

    private final Process process;
    private final JsonNode announcement;

    private RunningMillrace(Process process, JsonNode announcement) {
        this.process = process;
        this.announcement = announcement;
    }

    static RunningMillrace up(CommandLine millrace, String... options) throws IOException {
        Path out = Files.createTempFile(millrace.home().getParent(), "up", ".json");
        Path err = Files.createTempFile(millrace.home().getParent(), "up", ".err");
        List<String> arguments = new ArrayList<>(List.of("up", "--output", "json"));
        arguments.addAll(List.of(options));
        Process process = millrace.start(out, err, arguments.toArray(String[]::new));
        try {
            Awaitility.await("millrace up")
                    .atMost(LONGEST_START)
                    .until(() -> Files.readString(out).endsWith("\n") || !process.isAlive());
        } catch (RuntimeException e) {
            process.destroyForcibly();
            throw e;
        }
        assertThat(Files.readString(out))
                .as("what 'millrace up' announces; it said: %s", Files.readString(err))
                .endsWith("\n");
        return new RunningMillrace(process, new ObjectMapper().readTree(Files.readString(out)));
    }

    /** All events of a topic, from its beginning. */
    EventLog events(String topic) {
        return new EventLog(announcement.get("kafka").asText(), topic);
    }

    /** The process of a stage service as it was first started. */
    ProcessHandle service(String name) {
        return ProcessHandle.of(announcement.get("services").get(name).asLong()).orElseThrow();
    }

    /** A path as this process sees it, which may have mounts of its own. */
    Path sees(Path path) {
        return Path.of("/proc/" + process.pid() + "/root")
                .resolve(path.getRoot().relativize(path));
    }

    /** kill -9. */
    void kill() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor(30, TimeUnit.SECONDS);
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(60, TimeUnit.SECONDS)) {
                throw new AssertionError("'millrace up' did not stop within 60 s of SIGTERM");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            process.destroyForcibly();
        }
    }
}
