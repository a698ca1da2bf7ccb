package io.millrace.tests.compatibility;

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

/** A Llama of one layer of Gaussian weights in BF16 whose rows are whole super-blocks, with a token per byte. */
final class VersionModel {
    private VersionModel() {}

    static Path write(Path folder, long seed) throws IOException {
        ObjectNode json = new ObjectMapper().createObjectNode();
        json.putArray("architectures").add("LlamaForCausalLM");
        json.put("model_type", "llama")
                .put("vocab_size", ByteTokenizer.VOCABULARY_SIZE)
                .put("hidden_size", 256)
                .put("intermediate_size", 512)
                .put("num_hidden_layers", 1)
                .put("num_attention_heads", 4)
                .put("num_key_value_heads", 2)
                .put("max_position_embeddings", 128)
                .put("rms_norm_eps", 1e-5)
                .put("rope_theta", 10_000.0)
                .put("hidden_act", "silu")
                .put("tie_word_embeddings", true)
                .put("torch_dtype", "bfloat16");
        ModelConfig config = ModelConfig.of(json, "config.json");
        List<TensorSpec> tensors = config.architecture().tensors(config).stream()
                .map(rule -> TensorSpec.plain(rule.name(), DType.BF16, rule.shape()))
                .toList();
        Random random = new Random(seed);
        try (DenseWriter writer = DenseWriter.original(folder, json, tensors)) {
            for (TensorSpec tensor : tensors) {
                float[] weights = new float[Math.toIntExact(tensor.shape().elements())];
                for (int i = 0; i < weights.length; i++) {
                    weights[i] = (float) random.nextGaussian() * 0.05f;
                }
                writer.appendFloats(tensor.name(), MemorySegment.ofArray(weights));
            }
            writer.finish();
        }
        ByteTokenizer.write(folder);
        return folder;
    }
}
