package io.millrace.cli.compress;

import io.millrace.events.Parameters.Quality;
import io.millrace.models.evaluation.Evaluation;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.checkpoint.ModelFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** A held-out text, and how much of it is measured. */
public record EvaluationText(Path file, Quality parameters) {
    private static final int USUAL_LENGTH = 512;
    private static final int USUAL_SEQUENCES = 64;

    /**
     * @param sequences windows at most; empty for the usual, or as many as a measurement takes
     * @param length tokens per window; empty for the usual, or what the model can hold
     * @throws IllegalArgumentException if no measurement can come of it, as far as that shows before the text is split
     *     into tokens
     */
    public static EvaluationText of(Path model, Path file, Optional<Integer> sequences, Optional<Integer> length)
            throws IOException {
        int longest = ModelConfig.parse(ModelFolder.config(model)).maxPositions();
        int tokens = length.orElse(Math.min(USUAL_LENGTH, longest));
        if (tokens < Evaluation.SHORTEST_WINDOW || tokens > longest) {
            throw new IllegalArgumentException("--length is " + tokens + ", expected " + Evaluation.SHORTEST_WINDOW
                    + " to " + longest + ", the model's longest context");
        }
        int least = Evaluation.leastWindows(tokens);
        int most = sequences.orElse(Math.max(USUAL_SEQUENCES, least));
        if (most < least) {
            throw new IllegalArgumentException("--sequences is " + most + ", expected " + least
                    + " or more: so many windows of " + tokens + " tokens does a measurement take");
        }
        // A token is a byte or more; the first of a window may be the mark of a beginning, which is in no text.
        long bytes = Files.size(file);
        if (bytes < (long) least * (tokens - 1)) {
            throw new IllegalArgumentException(file + " has " + bytes + " bytes, too few for the " + least
                    + " windows of " + tokens + " tokens that a measurement takes; give a longer text");
        }
        return new EvaluationText(file, new Quality(most, tokens));
    }
}
