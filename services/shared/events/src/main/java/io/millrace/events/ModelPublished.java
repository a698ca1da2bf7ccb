package io.millrace.events;

import java.time.Instant;

/**
 * A compressed model passed its gate. Serving teams follow this.
 *
 * @param source the checkpoint that it was made from
 * @param format {@code gguf}, {@code compressed-tensors}, {@code onnx} or {@code safetensors}
 * @param type the format's name for how weights are stored, such as {@code Q4_K_M}
 * @param rung of the target's ladder, from 0
 * @param sizeBytes of all published files
 * @param originalBytes of the original's weights at 16 bits per parameter
 */
public record ModelPublished(
        RunId run,
        ModelName model,
        String version,
        String policy,
        String target,
        Device device,
        ArtifactRef artifact,
        String format,
        String type,
        CheckpointPublished source,
        String recipe,
        int rung,
        Decision.Accepted decision,
        long sizeBytes,
        long originalBytes,
        Instant at)
        implements Event {}
