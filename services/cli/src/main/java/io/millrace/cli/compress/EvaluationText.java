package io.millrace.cli.compress;

import io.millrace.events.Parameters.Quality;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.checkpoint.ModelFolder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** A held-out text, and how much of it is measured. */
public record EvaluationText(Path file, Quality parameters) {
    private static final int USUAL_LENGTH = 512;

    /** @param length tokens per window; empty for the usual, or what the model can hold */
    public static EvaluationText of(Path model, Path file, int sequences, Optional<Integer> length) throws IOException {
        int longest = ModelConfig.parse(ModelFolder.config(model)).maxPositions();
        return new EvaluationText(file, new Quality(sequences, length.orElse(Math.min(USUAL_LENGTH, longest))));
    }
}
