package io.millrace.events;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * Training has a new checkpoint.
 *
 * @param version unique within the model; publishing it again with other weights is refused
 * @param step training step, 0 if unknown
 * @param parent the checkpoint that this one was trained from
 */
public record CheckpointPublished(
        ModelName model,
        String version,
        long step,
        ArtifactRef artifact,
        ModelNumbers numbers,
        Optional<Digest> parent,
        Map<String, String> labels,
        Instant publishedAt)
        implements Event {
    public CheckpointPublished {
        requireVersion(version);
        labels = Map.copyOf(labels);
    }

    public static void requireVersion(String version) {
        if (version.isBlank() || version.length() > 128) {
            throw new IllegalArgumentException("a version has 1 to 128 characters, found '" + version + "'");
        }
    }

    /** Newest wins: the later time, then the greater digest; never the order of arrival. */
    public boolean isNewerThan(CheckpointPublished other) {
        int byTime = publishedAt.compareTo(other.publishedAt);
        return byTime > 0 || (byTime == 0 && artifact.manifest().compareTo(other.artifact.manifest()) > 0);
    }
}
