package io.millrace.models.evaluation;

import io.millrace.models.TokenStream;
import io.millrace.models.Tokenizer;
import io.millrace.models.WorkProgress;
import io.millrace.tensors.WeightSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Compares a candidate with its original by the product's protocol: windows of equal length without overlap, first token
 * BOS if the tokenizer adds it; the predictions at positions from length/2 on are scored, so that each has a context of
 * at least half a window. Both models see the same windows.
 */
public final class Evaluation {
    /** In tokens, the first half of which is context. */
    public static final int SHORTEST_WINDOW = 4;

    static final int LEAST_WINDOWS = 8;
    static final int LEAST_SCORED_TOKENS = 4096;

    private Evaluation() {}

    /**
     * @param sequences windows at most
     * @param length tokens per window; at most what both models can hold
     */
    public static Quality compare(
            WeightSource original,
            WeightSource candidate,
            Path tokenizerFolder,
            String text,
            int sequences,
            int length,
            WorkProgress progress)
            throws IOException, InterruptedException {
        int longest =
                Math.min(original.config().maxPositions(), candidate.config().maxPositions());
        if (length < SHORTEST_WINDOW || length > longest) {
            return new NotMeasured(
                    NotMeasured.Cause.UNSUITABLE,
                    "windows of " + length + " tokens; expected " + SHORTEST_WINDOW + " to " + longest
                            + ", the longest context of the model");
        }
        if (original.config().vocabularySize() != candidate.config().vocabularySize()) {
            return new NotMeasured(
                    NotMeasured.Cause.UNSUITABLE,
                    "the original has a vocabulary of "
                            + original.config().vocabularySize() + ", the candidate one of "
                            + candidate.config().vocabularySize() + "; they cannot be compared token by token");
        }
        TokenStream stream;
        try (Tokenizer tokenizer = Tokenizer.open(tokenizerFolder)) {
            stream = TokenStream.of(tokenizer, text);
        }
        stream.requireBelow(original.config().vocabularySize());
        int windows = Math.min(sequences, stream.windows(length));
        if (windows < leastWindows(length)) {
            return tooShort(stream, sequences, length);
        }
        return compared(new ModelPair(original, candidate), stream, windows, length, progress);
    }

    static Quality compared(ModelPair pair, TokenStream stream, int windows, int length, WorkProgress progress)
            throws IOException, InterruptedException {
        long total = (long) windows * pair.unitsPerWindow();
        int atOnce = pair.windowsAtOnce(length);
        List<WindowScores> scores = new ArrayList<>();
        while (scores.size() < windows) {
            int first = scores.size();
            int[][] group = IntStream.range(first, Math.min(windows, first + atOnce))
                    .mapToObj(window -> stream.window(window, length))
                    .toArray(int[][]::new);
            long before = (long) first * pair.unitsPerWindow();
            for (WindowScores one :
                    pair.score(group, (done, _, what) -> progress.advance(before + done, total, what))) {
                if (!one.finite()) {
                    return notFinite(
                            one.originalFinite(),
                            "gives losses that are not finite numbers in window " + scores.size());
                }
                scores.add(one);
            }
        }
        return judged(Summary.of(scores));
    }

    private static NotMeasured tooShort(TokenStream stream, int sequences, int length) {
        int windows = Math.min(sequences, stream.windows(length));
        int least = leastWindows(length);
        return new NotMeasured(
                NotMeasured.Cause.TEXT_TOO_SHORT,
                "the evaluation text has " + stream.tokens().length + " tokens: " + windows
                        + " windows of " + length + " (at most " + sequences + " wanted) with "
                        + (long) windows * scoredPerWindow(length) + " scored tokens; at least " + LEAST_WINDOWS
                        + " windows and " + LEAST_SCORED_TOKENS + " scored tokens are needed; "
                        + (stream.windows(length) < least
                                ? "evaluate with a longer text"
                                : "evaluate on " + least + " windows or more"));
    }

    /** A mean loss of more than 709 nats has a perplexity that no number holds. */
    static Quality judged(QualityReport report) {
        return report.finite()
                ? report
                : notFinite(
                        Double.isFinite(report.originalPerplexity()),
                        "has a perplexity that is larger than any number");
    }

    private static NotMeasured notFinite(boolean originalIs, String what) {
        return new NotMeasured(
                originalIs ? NotMeasured.Cause.CANDIDATE_NOT_FINITE : NotMeasured.Cause.ORIGINAL_NOT_FINITE,
                "the " + (originalIs ? "candidate " : "original ") + what
                        + "; a model with such weights cannot be served");
    }

    /** How many windows of this many tokens a measurement takes at least. */
    public static int leastWindows(int length) {
        return Math.max(LEAST_WINDOWS, Math.ceilDiv(LEAST_SCORED_TOKENS, scoredPerWindow(length)));
    }

    /** Position p predicts token p + 1, so the last position of a window has nothing to be scored against. */
    static int scoredPerWindow(int length) {
        return length - 1 - length / 2;
    }
}
