package io.millrace.store;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Cost;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import io.millrace.events.Measurement;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/** Things to store. */
final class Samples {
    private Samples() {}

    static JobKey key(String name) {
        return new JobKey(Digest.of(name));
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static JobResult result(JobKey key, ArtifactRef output, String writer) {
        Measurement measured = new Measurement(
                "perplexity",
                OptionalDouble.of(7.25),
                OptionalDouble.of(1.0e-5),
                OptionalDouble.of(7.0),
                "",
                "djl 0.36",
                Device.CPU,
                4096,
                Optional.of(Digest.of("text")),
                "");
        Measurement missing = new Measurement(
                "prompt-rate",
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                "token/s",
                "",
                new Device("h100"),
                0,
                Optional.empty(),
                "no \"runtime\"\nfor it");
        return new JobResult(
                key, output, 123, List.of(measured, missing), new Cost(Duration.ofMillis(1234), 5, 6), writer);
    }

    static JobResult result(JobKey key, String writer) {
        return result(key, ArtifactRef.inStore(Digest.of("output of " + writer)), writer);
    }

    /** A folder with a file, an empty file and one in a folder below. */
    static Path folder(Path parent) throws IOException {
        Path folder = Files.createDirectories(parent.resolve("made"));
        Files.writeString(folder.resolve("config.json"), "{}");
        Files.writeString(folder.resolve("empty.txt"), "");
        Files.writeString(Files.createDirectories(folder.resolve("sub")).resolve("weights.bin"), "weights");
        return folder;
    }
}
