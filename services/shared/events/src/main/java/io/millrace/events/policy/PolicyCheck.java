package io.millrace.events.policy;

import io.millrace.events.CompressedModules;
import io.millrace.events.GgufTensorTypes;
import io.millrace.events.Limit;
import io.millrace.events.Literature;
import io.millrace.events.ModelNumbers;
import io.millrace.events.Parameters;
import io.millrace.events.Recipe;
import io.millrace.events.Step;
import io.millrace.events.Target;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/**
 * Finds rungs that can never pass for a model, whatever its weights: known before any work is done. What is not found
 * here may still fail.
 */
public final class PolicyCheck {
    private static final double BITS_OF_ORIGINAL = 16;

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
                case Parameters.Neurons neurons -> width = prunedWidth(width, neurons, reasons);
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

    /** The pruner keeps a multiple, rounded up. */
    private static int prunedWidth(int width, Parameters.Neurons neurons, List<String> reasons) {
        long kept = (long) Math.ceil(width * (1 - neurons.fraction()));
        long rounded = Math.ceilDiv(kept, (long) neurons.multipleOf()) * neurons.multipleOf();
        if (rounded == 0) {
            reasons.add("pruning a fraction of " + neurons.fraction() + " leaves none of " + width + " neurons");
            return width;
        }
        if (rounded >= width) {
            reasons.add("pruning a fraction of " + neurons.fraction() + " removes none of " + width
                    + " neurons, since what stays is rounded up to a multiple of " + neurons.multipleOf());
            return width;
        }
        return (int) rounded;
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
                    + " but the feed-forward width is " + width);
        }
        if (strict && model.hiddenSize() % multiple != 0) {
            reasons.add(quantize.type() + " needs rows that are a multiple of " + multiple + " but the hidden size is "
                    + model.hiddenSize());
        }
    }

    private static void checkSizes(Target target, Recipe recipe, ModelNumbers model, int width, List<String> reasons) {
        // A gated feed-forward block has three matrices of hidden size × width.
        long removed = 3L * model.layerCount() * model.hiddenSize() * (long) (model.feedForwardSize() - width);
        double parameters = Math.max(1, model.parameters() - removed);
        double bits = leastBits(recipe, model, parameters);
        double fileBits = recipe.steps().getLast().parameters() instanceof Literature
                ? bits + parameters * denseBits(model) // the dense values lie beside the codes
                : bits;
        double ratio = fileBits / (BITS_OF_ORIGINAL * Math.max(1, model.parameters()));
        for (Limit limit : target.gate().limits()) {
            OptionalDouble least = switch (limit.metric()) {
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
                    && least.isPresent()
                    && least.getAsDouble() > limit.bound()) {
                reasons.add(String.format(
                        Locale.ROOT,
                        "%s is at least %.4g with %s but the gate asks for %s %s",
                        limit.metric().wireName(),
                        least.getAsDouble(),
                        recipe.summary(),
                        limit.comparison().symbol(),
                        limit.bound()));
            }
        }
    }

    /** Bits of all weights together, if every tensor that may take the type's smallest blocks does. */
    private static double leastBits(Recipe recipe, ModelNumbers model, double parameters) {
        return switch (recipe.steps().getLast().parameters()) {
            case Parameters.Gguf gguf -> leastBits(gguf, model, parameters);
            // The embedding is looked up, not multiplied, and stays dense.
            case Parameters.CompressedTensors packed -> withDenseEmbedding(leastBits(packed), model, parameters);
            case Literature codes -> withDenseEmbedding(bitsPerWeight(codes), model, parameters);
            // Codes and an F32 scale per 32; an embedding that is no head stays dense, and rotary tables come on top.
            case Parameters.Onnx onnx -> parameters * (onnx.type().equals("int4") ? 5 : 9);
            case Parameters.Prune _, Parameters.Distill _, Parameters.Benchmark _ -> parameters * denseBits(model);
        };
    }

    /** Of the smallest scheme that any module may get. */
    private static double leastBits(Parameters.CompressedTensors packed) {
        double least = schemeBits(packed.type());
        for (CompressedModules.PatternScheme other : packed.modules().byPattern()) {
            least = Math.min(least, schemeBits(other.scheme()));
        }
        return least;
    }

    private static int denseBits(ModelNumbers model) {
        return model.dtype().equals("F32") ? 32 : 16;
    }

    private static double withDenseEmbedding(double bits, ModelNumbers model, double parameters) {
        double embedding = Math.min(parameters, (double) model.vocabularySize() * model.hiddenSize());
        return embedding * BITS_OF_ORIGINAL + (parameters - embedding) * bits;
    }

    private static double bitsPerWeight(Literature codes) {
        return switch (codes) {
            case Literature.Uniform uniform -> uniform.bits();
            case Literature.Binary _ -> 1;
            case Literature.Ternary _ -> 2;
        };
    }

    /** The embedding where its type is told, all other weights in the smallest type that any tensor may get. */
    private static double leastBits(Parameters.Gguf gguf, ModelNumbers model, double parameters) {
        GgufTensorTypes types = gguf.tensorTypes();
        double least = bitsPerWeight(gguf.type());
        for (GgufTensorTypes.PatternType override : types.byPattern()) {
            least = Math.min(least, bitsPerWeight(override.type()));
        }
        double embedding = types.embedding().isEmpty()
                ? 0
                : Math.min(parameters, (double) model.vocabularySize() * model.hiddenSize());
        // Only a head of its own, or the embedding in its place, has this type; which, the numbers do not say.
        double others = types.output().isEmpty()
                ? least
                : Math.min(least, bitsPerWeight(types.output().get()));
        return embedding * types.embedding().map(PolicyCheck::bitsPerWeight).orElse(0.0)
                + (parameters - embedding) * others;
    }

    /** Of a file type's base or a tensor's type: block bytes × 8 / block elements. */
    private static double bitsPerWeight(String type) {
        return switch (type) {
            case "TQ2_0" -> 2.0625;
            case "Q2_K", "Q2_K_S" -> 2.625;
            case "Q3_K", "Q3_K_S", "Q3_K_M", "Q3_K_L" -> 3.4375;
            case "MXFP4", "MXFP4_MOE", "IQ4_XS" -> 4.25;
            case "Q4_0", "Q4_K", "Q4_K_S", "Q4_K_M", "IQ4_NL" -> 4.5;
            case "Q4_1" -> 5;
            case "Q5_0", "Q5_K", "Q5_K_S", "Q5_K_M" -> 5.5;
            case "Q5_1" -> 6;
            case "Q6_K" -> 6.5625;
            case "Q8_0" -> 8.5;
            case "F16", "BF16" -> 16;
            case "F32" -> 32;
            default -> 1; // A type added later: no claim is better than a wrong one.
        };
    }

    /**
     * Codes, and per group, where there are groups, the scale, of 16 bits for 128 weights (and for ASYM a 4-bit zero point)
     * or of 8 for 32 or 16.
     */
    private static double schemeBits(String scheme) {
        return switch (scheme) {
            case "W4A16" -> 4.125;
            case "W4A16_ASYM" -> 4.15625;
            case "W4A16_CHANNEL", "W4A16_ASYM_CHANNEL" -> 4;
            case "MXFP4", "MXFP4A16" -> 4.25;
            case "NVFP4A16" -> 4.5;
            case "W8A16", "W8A16_CHANNEL", "FP8_DYNAMIC", "FP8_BLOCK", "W8A8" -> 8;
            default -> 1;
        };
    }
}
