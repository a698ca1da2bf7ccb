package io.millrace.models;

import io.millrace.tensors.DType;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.ModelConfig;
import java.util.List;

/** The tensors that a forward pass reads, under their Hugging Face names, as F32. */
final class DecoderLayout {
    static final String EMBEDDING = "model.embed_tokens.weight";
    static final String FINAL_NORM = "model.norm.weight";
    static final String HEAD = "lm_head.weight";

    private DecoderLayout() {}

    /** In the order of the computation. */
    static List<TensorSpec> tensors(ModelConfig config) {
        return config.architecture().tensors(config).stream()
                .map(rule -> TensorSpec.plain(rule.name(), DType.F32, rule.shape()))
                .toList();
    }
}
