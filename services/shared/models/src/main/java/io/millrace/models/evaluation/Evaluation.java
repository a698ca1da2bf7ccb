package io.millrace.models.evaluation;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.millrace.models.CausalLanguageModel;
import io.millrace.models.LayerWatch;
import io.millrace.models.TensorRuntime;
import io.millrace.models.TokenStream;
import io.millrace.models.Tokenizer;
import io.millrace.models.WorkProgress;
import io.millrace.tensors.WeightSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Compares a candidate with its original by the product's protocol: windows of equal length without overlap, first token
 * BOS if the tokenizer adds it; the predictions at positions from length/2 on are scored, so that each has a context of
 * at least half a window. Both models see the same windows, one window after the other.
 */
public final class Evaluation {
    /** In tokens, the first half of which is context. */
    public static final int SHORTEST_WINDOW = 4;

    static final int LEAST_WINDOWS = 8;
    static final int LEAST_SCORED_TOKENS = 4096;

    private static final String COMPARED = "windows compared";

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
        try (CausalLanguageModel first = CausalLanguageModel.load(original);
                CausalLanguageModel second = CausalLanguageModel.load(candidate)) {
            List<WindowScores> scores = new ArrayList<>();
            for (int window = 0; window < windows; window++) {
                WindowScores one = score(
                        first,
                        second,
                        stream.window(window, length),
                        progress.layers(window, windows, COMPARED + "; original"),
                        progress.layers(window, windows, COMPARED + "; candidate"));
                if (!one.finite()) {
                    return notFinite(
                            one.originalFinite(), "gives losses that are not finite numbers in window " + window);
                }
                scores.add(one);
                progress.advance(window + 1, windows, COMPARED);
            }
            return judged(Summary.of(scores));
        }
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

    static <E extends Exception> WindowScores score(
            CausalLanguageModel original,
            CausalLanguageModel candidate,
            int[] window,
            LayerWatch<E> originalLayers,
            LayerWatch<E> candidateLayers)
            throws E {
        int from = window.length / 2;
        int to = window.length - 1;
        try (NDManager work = TensorRuntime.start().scope()) {
            NDArray p = logProbabilities(work, original, window, from, to, originalLayers); // [scored, vocabulary]
            NDArray q = logProbabilities(work, candidate, window, from, to, candidateLayers);
            long[] next = Arrays.stream(window, from + 1, to + 1).asLongStream().toArray();
            NDArray truth = work.create(next, new Shape(next.length, 1));
            NDArray divergence = p.exp().mul(p.sub(q)).sum(new int[] {1});
            NDArray sameTop = p.argMax(1).eq(q.argMax(1)).toType(DataType.FLOAT32, false);
            return new WindowScores(
                    numbers(p.gather(truth, 1).neg()),
                    numbers(q.gather(truth, 1).neg()),
                    // Mathematically never negative; f32 rounding may leave -1e-8 for equal models.
                    Arrays.stream(numbers(divergence))
                            .map(value -> value < 0 ? 0 : value)
                            .toArray(),
                    numbers(sameTop));
        }
    }

    private static <E extends Exception> NDArray logProbabilities(
            NDManager work, CausalLanguageModel model, int[] window, int from, int to, LayerWatch<E> watch) throws E {
        try (NDManager inner = work.newSubManager()) {
            NDArray hidden = model.hidden(model.tokens(inner, window), null, watch);
            // The head only where it is needed: for a large vocabulary it is the largest tensor of all.
            NDArray scored = hidden.get(new NDIndex().addIndices(0).addSliceDim(from, to));
            NDArray result = model.head(scored).logSoftmax(-1);
            result.attach(work);
            return result;
        }
    }

    private static double[] numbers(NDArray floats) {
        float[] values = floats.toFloatArray();
        double[] wide = new double[values.length];
        for (int i = 0; i < wide.length; i++) {
            wide[i] = values[i];
        }
        return wide;
    }
}
