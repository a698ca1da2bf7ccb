package io.millrace.events.policy;

import io.millrace.events.CompressedModules;
import io.millrace.events.GgufTensorTypes;
import io.millrace.events.Literature;
import io.millrace.events.ModelNumbers;
import io.millrace.events.Parameters;

/**
 * The fewest bits that the weights of a model can take, by what the numbers of it say.
 *
 * @param parameters that are left to store
 */
record LeastBits(ModelNumbers model, double parameters) {
    /** Of a weight of the checkpoint. */
    static final double OF_ORIGINAL = 16;

    /** All files together. */
    double ofFiles(Parameters last) {
        // The dense values lie beside the codes, which the embedding has none of.
        return last instanceof Literature codes
                ? (parameters - embedding()) * perWeight(codes) + parameters * dense()
                : ofWeights(last);
    }

    /** All weights together after a recipe's last step, if every tensor that may take the type's smallest blocks does. */
    double ofWeights(Parameters last) {
        return switch (last) {
            case Parameters.Gguf gguf -> blocks(gguf);
            // The embedding is looked up, not multiplied, and stays dense.
            case Parameters.CompressedTensors packed -> withDenseEmbedding(perWeight(packed));
            case Literature codes -> withDenseEmbedding(perWeight(codes));
            // Codes and an F32 scale per 32; an embedding that is no head stays dense, and rotary tables come on top.
            case Parameters.Onnx onnx -> parameters * (onnx.type().equals("int4") ? 5 : 9);
            case Parameters.Prune _, Parameters.Distill _, Parameters.Benchmark _ -> parameters * dense();
        };
    }

    /** Of the smallest scheme that any module may get. */
    private static double perWeight(Parameters.CompressedTensors packed) {
        double least = ofScheme(packed.type());
        for (CompressedModules.PatternScheme other : packed.modules().byPattern()) {
            least = Math.min(least, ofScheme(other.scheme()));
        }
        return least;
    }

    private int dense() {
        return model.dtype().equals("F32") ? 32 : 16;
    }

    private double withDenseEmbedding(double bits) {
        return embedding() * OF_ORIGINAL + (parameters - embedding()) * bits;
    }

    private double embedding() {
        return Math.min(parameters, (double) model.vocabularySize() * model.hiddenSize());
    }

    private static double perWeight(Literature codes) {
        return switch (codes) {
            case Literature.Uniform uniform -> uniform.bits();
            case Literature.Binary _ -> 1;
            case Literature.Ternary _ -> 2;
        };
    }

    /** The embedding where its type is told, all other weights in the smallest type that any tensor may get. */
    private double blocks(Parameters.Gguf gguf) {
        GgufTensorTypes types = gguf.tensorTypes();
        double least = ofType(gguf.type());
        for (GgufTensorTypes.PatternType override : types.byPattern()) {
            least = Math.min(least, ofType(override.type()));
        }
        double embedding = types.embedding().isEmpty() ? 0 : embedding();
        // Only a head of its own, or the embedding in its place, has this type; which, the numbers do not say.
        double others = types.output().isEmpty()
                ? least
                : Math.min(least, ofType(types.output().get()));
        return embedding * types.embedding().map(LeastBits::ofType).orElse(0.0) + (parameters - embedding) * others;
    }

    /** Of a file type's base or a tensor's type: block bytes × 8 / block elements. */
    private static double ofType(String type) {
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
    private static double ofScheme(String scheme) {
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
