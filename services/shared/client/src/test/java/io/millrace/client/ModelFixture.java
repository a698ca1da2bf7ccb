package io.millrace.client;

import io.millrace.events.ArtifactRef;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Decision;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.ModelName;
import io.millrace.events.ModelPublished;
import io.millrace.events.RunId;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.io.TempDir;

/** Models that a conductor published of small checkpoints. */
abstract class ModelFixture {
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05.678Z");

    @TempDir
    Path temp;

    ModelPublished model(String version, String target) throws IOException {
        return model(version, target, ArtifactRef.inStore(Digest.of(version + target)));
    }

    ModelPublished model(String version, String target, ArtifactRef artifact) throws IOException {
        CheckpointFolder folder = CheckpointFolder.open(Checkpoints.small(temp.resolve("source")));
        CheckpointPublished source = new CheckpointPublished(
                new ModelName("chat"),
                version,
                1,
                ArtifactRef.inStore(Digest.of(version)),
                folder.numbers(),
                Optional.empty(),
                Map.of(),
                NOW);
        return new ModelPublished(
                new RunId(Digest.of(version + target)),
                source.model(),
                version,
                "policy",
                target,
                Device.CPU,
                artifact,
                "gguf",
                "Q4_K_M",
                source,
                "quantize(gguf Q4_K_M)",
                0,
                new Decision.Accepted(List.of(), List.of()),
                7,
                16,
                NOW);
    }
}
