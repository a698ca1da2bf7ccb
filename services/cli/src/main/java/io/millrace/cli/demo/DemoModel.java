package io.millrace.cli.demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.Encoding;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.checkpoint.DenseWriter;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The demo's model: a Llama of 2.2 million parameters over bytes, and how its checkpoints are written. */
final class DemoModel {
    /** Rows of 256 and 1024, so that K-quants apply; a quarter of the neurons may go and 768 is still a multiple of 256. */
    static final int HIDDEN_SIZE = 256;

    static final int FEED_FORWARD_SIZE = 1024;
    static final int LAYERS = 2;
    static final int MAX_POSITIONS = 256;

    private DemoModel() {}

    static ModelConfig config() throws IOException {
        ObjectNode config = new ObjectMapper().createObjectNode();
        config.putArray("architectures").add("LlamaForCausalLM");
        config.put("model_type", "llama");
        config.put("vocab_size", ByteTokenizer.VOCABULARY_SIZE);
        config.put("hidden_size", HIDDEN_SIZE);
        config.put("intermediate_size", FEED_FORWARD_SIZE);
        config.put("num_hidden_layers", LAYERS);
        config.put("num_attention_heads", 4);
        config.put("num_key_value_heads", 2);
        config.put("max_position_embeddings", MAX_POSITIONS);
        config.put("rms_norm_eps", 1e-5);
        config.put("rope_theta", 10_000.0);
        config.put("hidden_act", "silu");
        config.put("attention_bias", false);
        config.put("mlp_bias", false);
        config.put("tie_word_embeddings", false);
        config.put("torch_dtype", "bfloat16");
        return ModelConfig.of(config, "config.json");
    }

    /** Writes a Hugging Face folder in BF16, as training frameworks do. */
    static void save(WeightSource weights, Path folder) throws IOException {
        Files.createDirectories(folder);
        List<TensorSpec> tensors = weights.tensors().stream()
                .map(tensor -> new TensorSpec(tensor.name(), new Encoding.Plain(DType.BF16), tensor.shape()))
                .toList();
        try (DenseWriter writer = DenseWriter.original(folder, weights.config().json(), tensors)) {
            for (TensorSpec tensor : tensors) {
                long rows = tensor.shape().rows();
                try (Arena arena = Arena.ofConfined()) {
                    MemorySegment floats = arena.allocate(tensor.shape().elements() * Float.BYTES, Float.BYTES);
                    weights.read(tensor.name(), 0, rows, floats);
                    writer.appendFloats(tensor.name(), floats);
                }
            }
            writer.finish();
        }
        ByteTokenizer.write(folder);
    }
}
