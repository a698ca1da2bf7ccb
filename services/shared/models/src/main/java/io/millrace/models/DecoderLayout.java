package io.millrace.models;

import io.millrace.tensors.DType;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRule;
import java.util.List;
import java.util.stream.Stream;

/** The tensors that a forward pass reads, under their Hugging Face names, as F32. */
final class DecoderLayout {
    static final String EMBEDDING = "model.embed_tokens.weight";
    static final String FINAL_NORM = "model.norm.weight";
    static final String HEAD = "lm_head.weight";

    private DecoderLayout() {}

    /** In the order of the computation. */
    static List<TensorSpec> tensors(ModelConfig config) {
        return specs(config.architecture().tensors(config).stream());
    }

    /** Those of one layer. */
    static List<TensorSpec> ofLayer(ModelConfig config, int layer) {
        return specs(config.architecture().tensors(config).stream()
                .filter(rule -> rule.layer().orElse(-1) == layer));
    }

    static List<TensorSpec> finalNorm(ModelConfig config) {
        return named(config, FINAL_NORM);
    }

    /** The matrix that makes logits, and its bias if it has one. */
    static List<TensorSpec> head(ModelConfig config) {
        String matrix = headMatrix(config);
        return named(config, matrix, matrix.substring(0, matrix.lastIndexOf('.')) + ".bias");
    }

    /** The embedding itself if the head is tied. */
    static String headMatrix(ModelConfig config) {
        return config.tiedHead() ? EMBEDDING : HEAD;
    }

    private static List<TensorSpec> named(ModelConfig config, String... names) {
        return specs(config.architecture().tensors(config).stream()
                .filter(rule -> List.of(names).contains(rule.name())));
    }

    private static List<TensorSpec> specs(Stream<TensorRule> rules) {
        return rules.map(rule -> TensorSpec.plain(rule.name(), DType.F32, rule.shape()))
                .toList();
    }
}
