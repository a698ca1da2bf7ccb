package io.millrace.cli.compress;

import io.millrace.events.Parameters.Quality;
import io.millrace.models.evaluation.Evaluation;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.checkpoint.ModelFolder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** A held-out text, and how much of it is measured. */
public record EvaluationText(Path file, Quality parameters) {
    private static final int USUAL_LENGTH = 512;
    private static final int USUAL_SEQUENCES = 64;

    /**
     * @param sequences windows at most; empty for the usual, or as many as a measurement takes
     * @param length tokens per window; empty for the usual, or what the model can hold
     */
    public static EvaluationText of(Path model, Path file, Optional<Integer> sequences, Optional<Integer> length)
            throws IOException {
        int longest = ModelConfig.parse(ModelFolder.config(model)).maxPositions();
        int tokens = length.orElse(Math.min(USUAL_LENGTH, longest));
        int least = tokens < Evaluation.SHORTEST_WINDOW ? 0 : Evaluation.leastWindows(tokens);
        return new EvaluationText(file, new Quality(sequences.orElse(Math.max(USUAL_SEQUENCES, least)), tokens));
    }
}
