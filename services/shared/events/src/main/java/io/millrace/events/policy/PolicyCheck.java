package io.millrace.events.policy;

import io.millrace.events.Limit;
import io.millrace.events.ModelNumbers;
import io.millrace.events.Parameters;
import io.millrace.events.Recipe;
import io.millrace.events.Step;
import io.millrace.events.Target;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * Finds rungs that can never pass for a model, whatever its weights: known before any work is done. What is not found
 * here may still fail.
 */
public final class PolicyCheck {
    private PolicyCheck() {}

    /** The rungs that can never pass, each with its reasons, in the ladder's order. */
    public static List<ImpossibleRung> impossibleRungs(ModelNumbers model, Target target) {
        List<ImpossibleRung> impossible = new ArrayList<>();
        for (int rung = 0; rung < target.ladder().size(); rung++) {
            Recipe recipe = target.ladder().get(rung);
            for (String reason : reasons(model, target, recipe)) {
                impossible.add(new ImpossibleRung(rung, recipe.summary(), reason));
            }
        }
        return impossible;
    }

    private static List<String> reasons(ModelNumbers model, Target target, Recipe recipe) {
        List<String> reasons = new ArrayList<>();
        checkLength("evaluation", target.evaluation().length(), model, reasons);
        int width = model.feedForwardSize();
        for (Step step : recipe.steps()) {
            checkImportance(step, reasons);
            switch (step.parameters()) {
                case Parameters.Neurons neurons -> {
                    neurons.activations().ifPresent(windows -> checkLength("prune", windows.length(), model, reasons));
                    width = prunedWidth(width, neurons, reasons);
                }
                case Parameters.Distill distill -> checkLength("distill", distill.length(), model, reasons);
                case Parameters.Quantize quantize -> checkRows(quantize, model, width, reasons);
                case Parameters.Magnitude _, Parameters.Benchmark _ -> {}
            }
        }
        checkSizes(target, recipe, model, width, reasons);
        return reasons;
    }

    private static void checkImportance(Step step, List<String> reasons) {
        if (step.parameters() instanceof Parameters.Gguf gguf
                && gguf.needsImportance()
                && step.importance().isEmpty()) {
            reasons.add(gguf.type() + " is too coarse without an importance matrix; add 'importance' to the step");
        }
    }

    private static void checkLength(String what, int length, ModelNumbers model, List<String> reasons) {
        if (length > model.maxPositions()) {
            reasons.add(what + " length is " + length + " tokens but the model has " + model.maxPositions()
                    + " positions; shorten it");
        }
    }

    private static int prunedWidth(int width, Parameters.Neurons neurons, List<String> reasons) {
        if (neurons.fraction() == 1) {
            reasons.add("pruning a fraction of " + neurons.fraction() + " leaves none of " + width + " neurons");
            return width;
        }
        int kept = neurons.kept(width);
        if (kept == width) {
            reasons.add("pruning a fraction of " + neurons.fraction() + " removes none of " + width
                    + " neurons, since what stays is rounded up to a multiple of " + neurons.multipleOf());
        }
        return kept;
    }

    private static void checkRows(Parameters.Quantize quantize, ModelNumbers model, int width, List<String> reasons) {
        int multiple = quantize.rowMultiple();
        // GGUF has other types for rows that do not fit, so only a width that pruning chose is at fault there.
        boolean strict = !(quantize instanceof Parameters.Gguf);
        if (quantize instanceof Parameters.CompressedTensors folder
                && !folder.modules().alike()) {
            // Modules whose rows do not fit may have another scheme, or none.
            return;
        }
        if (width % multiple != 0 && (strict || width != model.feedForwardSize())) {
            reasons.add(quantize.type() + " needs rows that are a multiple of " + multiple
                    + " but the feed-forward width is " + width + "; "
                    + (width == model.feedForwardSize()
                            ? typesForOtherRows(multiple)
                            : "let the prune step round to 'multiple-of: " + multiple + "'"));
        }
        if (strict && model.hiddenSize() % multiple != 0) {
            reasons.add(quantize.type() + " needs rows that are a multiple of " + multiple + " but the hidden size is "
                    + model.hiddenSize() + "; " + typesForOtherRows(multiple));
        }
    }

    private static String typesForOtherRows(int multiple) {
        int least = new Parameters.CompressedTensors("FP8_DYNAMIC").rowMultiple();
        return (multiple > least ? "FP8_DYNAMIC and W8A8 take multiples of " + least + ", " : "")
                + "a GGUF type takes rows of any length";
    }

    private static void checkSizes(Target target, Recipe recipe, ModelNumbers model, int width, List<String> reasons) {
        // A gated feed-forward block has three matrices of hidden size × width.
        long removed = 3L * model.layerCount() * model.hiddenSize() * (long) (model.feedForwardSize() - width);
        double parameters = Math.max(1, model.parameters() - removed);
        Parameters last = recipe.steps().getLast().parameters();
        LeastBits least = new LeastBits(model, parameters);
        double bits = least.ofWeights(last);
        double fileBits = least.ofFiles(last);
        double ratio = fileBits / (LeastBits.OF_ORIGINAL * Math.max(1, model.parameters()));
        for (Limit limit : target.gate().limits()) {
            OptionalDouble smallest = switch (limit.metric()) {
                case SIZE_RATIO -> OptionalDouble.of(ratio);
                case SIZE -> OptionalDouble.of(fileBits / 8);
                case BITS_PER_WEIGHT -> OptionalDouble.of(bits / parameters);
                case PERPLEXITY,
                        PERPLEXITY_INCREASE,
                        KL_DIVERGENCE,
                        KL_DIVERGENCE_P99,
                        SAME_TOP_TOKEN,
                        PROMPT_RATE,
                        GENERATION_RATE,
                        GENERATION_SPEEDUP -> OptionalDouble.empty();
            };
            if (limit.comparison() == Limit.Comparison.AT_MOST
                    && smallest.isPresent()
                    && smallest.getAsDouble() > limit.bound()) {
                double value = smallest.getAsDouble();
                reasons.add(limit.metric().wireName() + " is at least " + limit.text(value) + " with "
                        + recipe.summary() + " but the gate asks for " + limit.boundText(value));
            }
        }
    }
}
