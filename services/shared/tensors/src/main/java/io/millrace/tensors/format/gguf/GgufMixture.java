package io.millrace.tensors.format.gguf;

import io.millrace.tensors.GgufType;
import io.millrace.tensors.Shape;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.Projection;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;

/**
 * Which type each tensor of a model gets in a file of some type: the rules of llama.cpp's quantizer for decoders
 * without experts. Sensitive matrices (values, down projections, the head) get more bits in some layers; a row that is
 * no whole number of blocks falls back to a type that can hold it.
 */
final class GgufMixture {
    private final GgufFileType fileType;
    private final ModelConfig config;

    GgufMixture(GgufFileType fileType, ModelConfig config) {
        this.fileType = fileType;
        this.config = config;
    }

    /** A type, and why it is not the one that the file type asks for; empty if it is. */
    record Choice(GgufType type, String note) {}

    Choice choose(TensorRule rule) {
        if (rule.shape().rank() < 2 || rule.role() instanceof TensorRole.Router) {
            return new Choice(GgufType.F32, "");
        }
        if (fileType.plain()) {
            return new Choice(fileType.base(), "");
        }
        return fitted(wanted(rule), rule.shape());
    }

    private GgufType wanted(TensorRule rule) {
        int layer = rule.layer().orElse(0);
        return switch (rule.role()) {
            case TensorRole.OutputHead _ -> head(rule.shape());
            case TensorRole.Embedding _ -> config.tiedHead() ? head(rule.shape()) : fileType.base();
            case TensorRole.Linear(Projection projection) ->
                switch (projection) {
                    case VALUE, QUERY_KEY_VALUE -> values(layer);
                    case DOWN, EXPERT_DOWN -> moreBits(layer) ? raised() : fileType.base();
                    case QUERY, KEY, ATTENTION_OUTPUT, GATE, UP, GATE_UP, EXPERT_GATE, EXPERT_UP -> fileType.base();
                };
            case TensorRole.Bias _, TensorRole.Norm _, TensorRole.Router _ -> GgufType.F32;
        };
    }

    private GgufType head(Shape shape) {
        boolean wholeBlocks = shape.rowLength() % fileType.base().blockElements() == 0;
        return fileType == GgufFileType.Q8_0 || !wholeBlocks ? GgufType.Q8_0 : GgufType.Q6_K;
    }

    private GgufType values(int layer) {
        GgufType type = moreBits(layer) ? raised() : fileType.base();
        return type == GgufType.Q4_K && seventyBillion() ? GgufType.Q5_K : type;
    }

    private GgufType raised() {
        return switch (fileType) {
            case Q4_K_M, Q5_K_M -> GgufType.Q6_K;
            case F32, F16, BF16, Q8_0, Q4_0, Q6_K -> fileType.base();
        };
    }

    /** The first and last eighth of the layers, and every third between. */
    private boolean moreBits(int layer) {
        int eighth = config.layerCount() / 8;
        return layer < eighth || layer >= 7 * config.layerCount() / 8 || (layer - eighth) % 3 == 2;
    }

    /** In models of this size values are shared by 8 heads, so more bits cost little. */
    private boolean seventyBillion() {
        return config.layerCount() == 80
                && switch (config.architecture().ggufName()) {
                    case "llama" -> config.headCount() != config.keyValueHeadCount();
                    case "qwen2" -> true;
                    default -> false;
                };
    }

    private static Choice fitted(GgufType wanted, Shape shape) {
        long row = shape.rowLength();
        if (row % wanted.blockElements() == 0) {
            return new Choice(wanted, "");
        }
        GgufType smaller = switch (wanted) {
            case Q4_K -> GgufType.Q5_0;
            case Q5_K -> GgufType.Q5_1;
            case Q6_K -> GgufType.Q8_0;
            case F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1 -> GgufType.F16;
        };
        GgufType type = row % smaller.blockElements() == 0 ? smaller : GgufType.F16;
        return new Choice(
                type,
                "rows of " + row + " are not whole blocks of " + wanted + " (" + wanted.blockElements() + "): " + type
                        + " instead");
    }
}
