package io.millrace.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.cli.demo.ByteTokenizer;
import io.millrace.tensors.DType;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.checkpoint.DenseWriter;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/** A Llama of Gaussian weights in F32, whose rows are whole groups of 128, with a token per byte. */
final class RandomModel {
    private static final long SEED = 11;

    private RandomModel() {}

    static Path write(Path folder) throws IOException {
        return write(folder, 0.05f);
    }

    /** @param first the first weight of the first down projection */
    static Path write(Path folder, float first) throws IOException {
        ObjectNode json = new ObjectMapper().createObjectNode();
        json.putArray("architectures").add("LlamaForCausalLM");
        json.put("model_type", "llama")
                .put("vocab_size", ByteTokenizer.VOCABULARY_SIZE)
                .put("hidden_size", 128)
                .put("intermediate_size", 256)
                .put("num_hidden_layers", 2)
                .put("num_attention_heads", 4)
                .put("num_key_value_heads", 2)
                .put("max_position_embeddings", 128)
                .put("rms_norm_eps", 1e-5)
                .put("rope_theta", 10_000.0)
                .put("hidden_act", "silu")
                .put("tie_word_embeddings", false)
                .put("torch_dtype", "float32");
        ModelConfig config = ModelConfig.of(json, "config.json");
        List<TensorSpec> tensors = config.architecture().tensors(config).stream()
                .map(rule -> TensorSpec.plain(rule.name(), DType.F32, rule.shape()))
                .toList();
        Random random = new Random(SEED);
        try (DenseWriter writer = DenseWriter.original(folder, json, tensors)) {
            for (TensorSpec tensor : tensors) {
                float[] weights = new float[Math.toIntExact(tensor.shape().elements())];
                for (int i = 0; i < weights.length; i++) {
                    weights[i] = (float) random.nextGaussian() * 0.05f;
                }
                if (tensor.name().equals("model.layers.0.mlp.down_proj.weight")) {
                    weights[0] = first;
                }
                writer.appendFloats(tensor.name(), MemorySegment.ofArray(weights));
            }
            writer.finish();
        }
        ByteTokenizer.write(folder);
        return folder;
    }
}
