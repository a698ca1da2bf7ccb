package io.millrace.worker;

import io.millrace.events.Measurement;
import java.nio.file.Path;
import java.util.List;

/** A stage's product: every file below {@code folder} becomes the artifact. A benchmark's folder holds its report. */
public record StageOutput(Path folder, List<Measurement> measurements) {
    public StageOutput {
        measurements = List.copyOf(measurements);
    }
}
