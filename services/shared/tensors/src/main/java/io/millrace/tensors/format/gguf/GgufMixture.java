package io.millrace.tensors.format.gguf;

import io.millrace.tensors.GgufType;
import io.millrace.tensors.Shape;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Which type each tensor of a model gets in a file of some type: the rules of llama.cpp v0.5.0's quantizer. Sensitive
 * matrices (values, down projections, the head) get more bits in some layers; a row that is no whole number of blocks
 * falls back to a type that can hold it.
 */
final class GgufMixture {
    private final GgufOptions options;
    private final GgufFileType fileType;
    private final ModelOutline model;
    private final boolean importance;
    private final long valueTensors;
    private final Map<String, Choice> choices = new HashMap<>();
    private int values;
    private int downs;

    /** A type, and why it is not the one that the file type asks for; empty if it is. */
    record Choice(GgufType type, String note) {}

    /** @param importance whether the importance of each column will be known, which changes some rules */
    GgufMixture(GgufOptions options, ModelOutline model, boolean importance) {
        this.options = options;
        this.fileType = options.fileType();
        this.model = model;
        this.importance = importance;
        if (fileType.needsImportance() && !importance) {
            throw new IllegalArgumentException(
                    fileType + " is too coarse without an importance matrix; give one, or choose a larger type");
        }
        this.valueTensors = model.tensors().stream()
                .filter(tensor -> TensorKind.of(tensor.name()).holdsValues())
                .count();
        for (ModelOutline.Tensor tensor : model.tensors()) {
            choices.put(tensor.name(), decide(tensor));
        }
    }

    Choice choose(String name) {
        Choice choice = choices.get(name);
        if (choice == null) {
            throw new IllegalArgumentException("the model has no tensor '" + name + "'");
        }
        return choice;
    }

    /** Whether llama.cpp's quantizer ends with an error if it does not know the importance of this tensor's columns. */
    boolean needsImportance(String name) {
        TensorKind kind = TensorKind.of(name);
        return fileType.needsImportance()
                && choose(name).type() == GgufType.Q2_K
                && kind != TensorKind.EMBEDDING
                && kind != TensorKind.OUTPUT;
    }

    private Choice decide(ModelOutline.Tensor tensor) {
        if (!TensorKind.quantized(tensor.name(), tensor.shape())) {
            return new Choice(GgufType.F32, "");
        }
        TensorKind kind = TensorKind.of(tensor.name());
        return asked(kind, tensor.name())
                .map(type -> fitted(type, tensor.shape()))
                .orElseGet(() -> unasked(kind, tensor));
    }

    /** What the options say of this very tensor, which then is not counted for the rules of others. */
    private Optional<GgufType> asked(TensorKind kind, String name) {
        if (kind == TensorKind.EMBEDDING && options.embedding().isPresent()) {
            return options.embedding();
        }
        if (kind == TensorKind.OUTPUT && options.output().isPresent()) {
            return options.output();
        }
        Optional<GgufType> named = options.overrides().stream()
                .filter(override -> override.covers(name))
                .map(GgufOptions.TensorType::type)
                .findFirst();
        return named.isEmpty() && kind == TensorKind.EMBEDDING && headByRule() ? options.output() : named;
    }

    /** Whether the embedding is treated as the head that it also is. */
    private boolean headByRule() {
        return model.tied() && !options.pure() && !fileType.plain();
    }

    private Choice unasked(TensorKind kind, ModelOutline.Tensor tensor) {
        if (options.pure() || fileType.plain()) {
            return fitted(fileType.base(), tensor.shape());
        }
        Choice choice = fitted(ruled(kind, tensor), tensor.shape());
        if (fileType != GgufFileType.MXFP4_MOE || model.tensors().stream().anyMatch(GgufMixture::stacked)) {
            return choice;
        }
        String none = "the model has no experts, the only tensors that such a file holds in MXFP4: Q8_0 instead";
        return new Choice(choice.type(), choice.note().isEmpty() ? none : none + "; " + choice.note());
    }

    private GgufType ruled(TensorKind kind, ModelOutline.Tensor tensor) {
        if (fileType == GgufFileType.MXFP4_MOE) {
            return stacked(tensor) ? GgufType.MXFP4 : GgufType.Q8_0;
        }
        return switch (kind) {
            case OUTPUT -> head();
            case EMBEDDING -> model.tied() ? head() : embedding();
            case VALUE, FUSED_ATTENTION, KEY_VALUE_COMPRESSION -> special(values(values++));
            case KEY -> eightExperts() ? GgufType.Q8_0 : fileType.base();
            case ATTENTION_OUTPUT -> eightExperts() ? attentionOutputOfExperts() : attentionOutput();
            case DOWN -> {
                int running = downs++;
                yield down(model.expertCount() > 1 ? tensor.layer() : running);
            }
            case QUERY, UP, GATE, OTHER -> fileType.base();
        };
    }

    /** The experts of a layer in one tensor. */
    private static boolean stacked(ModelOutline.Tensor tensor) {
        Shape shape = tensor.shape();
        return shape.rank() > 2 && shape.extent(shape.rank() - 3) > 1;
    }

    private GgufType head() {
        return fileType == GgufFileType.Q8_0 ? GgufType.Q8_0 : GgufType.Q6_K;
    }

    private GgufType embedding() {
        return fileType == GgufFileType.TQ2_0 ? GgufType.Q4_K : fileType.base();
    }

    private GgufType values(int index) {
        boolean shared = model.sharing() >= 4;
        return switch (fileType) {
            case Q2_K -> shared ? GgufType.Q4_K : GgufType.Q3_K;
            case Q2_K_S -> shared ? GgufType.Q4_K : GgufType.Q2_K;
            case Q3_K_M -> index < 2 ? GgufType.Q5_K : GgufType.Q4_K;
            case Q3_K_L -> GgufType.Q5_K;
            case Q4_K_S -> index < 4 ? GgufType.Q5_K : GgufType.Q4_K;
            case Q4_K_M, Q5_K_M -> moreBits(index, valueTensors) ? GgufType.Q6_K : fileType.base();
            case IQ4_NL, IQ4_XS -> shared ? GgufType.Q5_K : fileType.base();
            case F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q3_K_S, Q5_K_S, Q6_K, TQ2_0, MXFP4_MOE ->
                fileType.base();
        };
    }

    private GgufType special(GgufType type) {
        if (eightExperts()) {
            return GgufType.Q8_0;
        }
        boolean few = type == GgufType.Q3_K || type == GgufType.Q4_K;
        return few && model.seventyBillion() ? GgufType.Q5_K : type;
    }

    private GgufType attentionOutput() {
        return switch (fileType) {
            case Q2_K -> GgufType.Q3_K;
            case Q3_K_M -> GgufType.Q4_K;
            case Q3_K_L -> GgufType.Q5_K;
            case F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K_S, Q3_K_S, Q4_K_S, Q4_K_M -> fileType.base();
            case Q5_K_S, Q5_K_M, Q6_K, IQ4_NL, IQ4_XS, TQ2_0, MXFP4_MOE -> fileType.base();
        };
    }

    private GgufType attentionOutputOfExperts() {
        return switch (fileType) {
            case Q2_K, Q3_K_S, Q3_K_M, Q4_K_S, Q4_K_M, IQ4_NL, IQ4_XS -> GgufType.Q5_K;
            case F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K_S, Q3_K_L -> fileType.base();
            case Q5_K_S, Q5_K_M, Q6_K, TQ2_0, MXFP4_MOE -> fileType.base();
        };
    }

    private GgufType down(int index) {
        boolean first = index < model.layerCount() / 8;
        return switch (fileType) {
            case Q2_K -> GgufType.Q3_K;
            case Q2_K_S -> first ? GgufType.Q4_K : GgufType.Q2_K;
            case Q3_K_M -> index < model.layerCount() / 16 ? GgufType.Q5_K : GgufType.Q4_K;
            case Q3_K_L -> GgufType.Q5_K;
            case Q4_0 -> importance && first ? GgufType.Q4_1 : GgufType.Q4_0;
            case Q5_0 -> importance && first ? GgufType.Q5_1 : GgufType.Q5_0;
            case Q4_K_S -> first ? GgufType.Q5_K : GgufType.Q4_K;
            case Q4_K_M, Q5_K_M -> moreBits(index, model.layerCount()) ? GgufType.Q6_K : fileType.base();
            case IQ4_NL, IQ4_XS -> !importance && first ? GgufType.Q5_K : fileType.base();
            case F32, F16, BF16, Q8_0, Q4_1, Q5_1, Q3_K_S, Q5_K_S, Q6_K, TQ2_0, MXFP4_MOE -> fileType.base();
        };
    }

    private boolean eightExperts() {
        return model.expertCount() == 8;
    }

    /** The first and last eighth, and every third between. */
    private static boolean moreBits(int index, long count) {
        long eighth = count / 8;
        return index < eighth || index >= 7 * count / 8 || (index - eighth) % 3 == 2;
    }

    private static Choice fitted(GgufType wanted, Shape shape) {
        long row = shape.rowLength();
        if (row % wanted.blockElements() == 0) {
            return new Choice(wanted, "");
        }
        GgufType smaller = switch (wanted) {
            case Q2_K, Q3_K, TQ2_0 -> GgufType.Q4_0;
            case Q4_K -> GgufType.Q5_0;
            case Q5_K -> GgufType.Q5_1;
            case Q6_K -> GgufType.Q8_0;
            case IQ4_XS -> GgufType.IQ4_NL;
            case F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL, MXFP4 -> GgufType.F16;
        };
        GgufType type = row % smaller.blockElements() == 0 ? smaller : GgufType.F16;
        return new Choice(
                type,
                "rows of " + row + " are not whole blocks of " + wanted + " (" + wanted.blockElements() + "): " + type
                        + " instead");
    }
}
