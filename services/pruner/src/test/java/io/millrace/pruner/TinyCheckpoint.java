package io.millrace.pruner;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.checkpoint.DenseWriter;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A Llama of two layers with chosen weights: hidden 8, feed-forward 16, 2 heads, vocabulary 12. */
final class TinyCheckpoint {
    static final int HIDDEN = 8;
    static final int NEURONS = 16;

    /** The weight of a tensor at a flat index. */
    interface Weights {
        float at(String tensor, int index);
    }

    private TinyCheckpoint() {}

    static Path write(Path folder, DType type, Weights weights) throws IOException {
        return write(folder, "LlamaForCausalLM", "llama", type, weights);
    }

    /** Likewise of another architecture; a mixture has four experts of the same size. */
    static Path write(Path folder, String className, String modelType, DType type, Weights weights) throws IOException {
        Files.createDirectories(folder);
        ObjectNode json = new ObjectMapper().createObjectNode();
        json.putArray("architectures").add(className);
        json.put("model_type", modelType);
        json.put("num_local_experts", 4);
        json.put("num_experts_per_tok", 2);
        json.put("vocab_size", 12);
        json.put("hidden_size", HIDDEN);
        json.put("intermediate_size", NEURONS);
        json.put("num_hidden_layers", 2);
        json.put("num_attention_heads", 2);
        json.put("num_key_value_heads", 1);
        json.put("max_position_embeddings", 32);
        json.put("rms_norm_eps", 1e-5);
        json.put("rope_theta", 10000.0);
        json.put("hidden_act", "silu");
        json.put("tie_word_embeddings", true);
        json.put("torch_dtype", DenseWriter.torchName(type));
        Path config = folder.resolve("config.json");
        Files.writeString(config, json.toString());
        ModelConfig parsed = ModelConfig.parse(config);
        List<TensorRule> rules = parsed.architecture().tensors(parsed);
        List<TensorSpec> plan = rules.stream()
                .map(rule -> TensorSpec.plain(rule.name(), type, rule.shape()))
                .toList();
        try (DenseWriter writer = DenseWriter.original(folder, json, plan)) {
            for (TensorRule rule : rules) {
                float[] values = new float[(int) rule.shape().elements()];
                for (int i = 0; i < values.length; i++) {
                    values[i] = weights.at(rule.name(), i);
                }
                writer.appendFloats(rule.name(), MemorySegment.ofArray(values));
            }
            writer.finish();
        }
        return folder;
    }
}
