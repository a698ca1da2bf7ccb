package io.millrace.pruner;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.checkpoint.DenseWriter;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

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
        return write(folder, json(className, modelType), type, weights);
    }

    /** A Llama of one layer, as many neurons and as many tokens. */
    static Path writeWide(Path folder, int neurons, int tokens, DType type, Weights weights) throws IOException {
        ObjectNode json = json("LlamaForCausalLM", "llama");
        json.put("num_hidden_layers", 1).put("intermediate_size", neurons).put("vocab_size", tokens);
        return write(folder, json, type, weights);
    }

    private static Path write(Path folder, ObjectNode json, DType type, Weights weights) throws IOException {
        json.put("torch_dtype", DenseWriter.torchName(type));
        return write(folder, json, type, "", List.of(), weights);
    }

    private static ObjectNode json(String className, String modelType) {
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
        return json;
    }

    /** Gemma 3 with a part that sees, of one tensor. */
    static Path writeMultimodal(Path folder) throws IOException {
        ObjectNode json = new ObjectMapper().createObjectNode();
        json.putArray("architectures").add("Gemma3ForConditionalGeneration");
        json.put("model_type", "gemma3");
        ObjectNode text = json.putObject("text_config").put("model_type", "gemma3_text");
        text.put("vocab_size", 12).put("hidden_size", HIDDEN).put("intermediate_size", NEURONS);
        text.put("num_hidden_layers", 2).put("num_attention_heads", 2).put("num_key_value_heads", 1);
        text.put("head_dim", 4).put("query_pre_attn_scalar", 4).put("max_position_embeddings", 32);
        TensorSpec seeing = TensorSpec.plain("vision_tower.norm.weight", DType.F32, Shape.of(HIDDEN));
        return write(folder, json, DType.F32, "language_model.", List.of(seeing), (tensor, i) -> i % 7);
    }

    /** A tokenizer of twelve words, a to l, beside a checkpoint. */
    static void writeTokenizer(Path folder) throws IOException {
        writeTokenizer(folder, 12);
    }

    /** Likewise of more or fewer. */
    static void writeTokenizer(Path folder, int count) throws IOException {
        ObjectNode json = new ObjectMapper().createObjectNode();
        json.put("version", "1.0").putNull("truncation").putNull("padding");
        json.putArray("added_tokens");
        json.putNull("normalizer").putNull("post_processor").putNull("decoder");
        json.putObject("pre_tokenizer").put("type", "Whitespace");
        ObjectNode model = json.putObject("model").put("type", "WordLevel").put("unk_token", "a");
        ObjectNode words = model.putObject("vocab");
        for (int id = 0; id < count; id++) {
            words.put(String.valueOf((char) ('a' + id)), id);
        }
        Files.writeString(folder.resolve("tokenizer.json"), json.toString());
    }

    private static Path write(
            Path folder, ObjectNode json, DType type, String prefix, List<TensorSpec> others, Weights weights)
            throws IOException {
        Files.createDirectories(folder);
        ModelConfig parsed = ModelConfig.of(json, "config.json");
        List<TensorSpec> plan = Stream.concat(
                        parsed.architecture().tensors(parsed).stream()
                                .map(rule -> TensorSpec.plain(prefix + rule.name(), type, rule.shape())),
                        others.stream())
                .toList();
        try (DenseWriter writer = DenseWriter.original(folder, json, plan)) {
            for (TensorSpec tensor : plan) {
                float[] values = new float[(int) tensor.shape().elements()];
                for (int i = 0; i < values.length; i++) {
                    values[i] = weights.at(tensor.name(), i);
                }
                writer.appendFloats(tensor.name(), MemorySegment.ofArray(values));
            }
            writer.finish();
        }
        return folder;
    }
}
