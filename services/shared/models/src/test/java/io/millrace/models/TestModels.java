package io.millrace.models;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.Trait;
import io.millrace.tensors.checkpoint.DenseWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** Models of a few thousand weights and a byte-level tokenizer, made in memory. */
public final class TestModels {
    public static final int VOCABULARY = 260;
    public static final int BEGIN = 256;
    private static final ObjectMapper JSON = new ObjectMapper();

    private TestModels() {}

    public static ModelConfig config(String architecture, String type, String more) {
        try {
            ObjectNode json = (ObjectNode) JSON.readTree("""
                    {"architectures": ["%s"], "model_type": "%s", "vocab_size": 260, "hidden_size": 16,
                     "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4,
                     "num_key_value_heads": 2, "max_position_embeddings": 512, "rms_norm_eps": 1e-5,
                     "rope_theta": 10000.0, "initializer_range": 0.3,
                     "torch_dtype": "float32", "bos_token_id": 256, "eos_token_id": 257, %s}
                    """.formatted(architecture, type, more));
            return ModelConfig.of(json, "config.json");
        } catch (IOException problem) {
            throw new UncheckedIOException(problem);
        }
    }

    public static ModelConfig llama() {
        return config("LlamaForCausalLM", "llama", "\"tie_word_embeddings\": true");
    }

    /** Llama 3's frequency scaling within a context that tests reach, and a head of its own. */
    public static ModelConfig llama3() {
        return config("LlamaForCausalLM", "llama", """
                "tie_word_embeddings": false, "rope_scaling": {"rope_type": "llama3", "factor": 8.0,
                "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
                """);
    }

    public static ModelConfig mistral() {
        return config("MistralForCausalLM", "mistral", "\"tie_word_embeddings\": false, \"sliding_window\": 5");
    }

    /** As the first Mistral states itself: a window, for which GGUF has no key here, beyond what tests reach. */
    public static ModelConfig mistralOfWideWindow() {
        return config("MistralForCausalLM", "mistral", """
                "tie_word_embeddings": false, "head_dim": 8, "sliding_window": 4096, "max_position_embeddings": 32768
                """);
    }

    public static ModelConfig qwen2() {
        return config("Qwen2ForCausalLM", "qwen2", "\"tie_word_embeddings\": true, \"use_sliding_window\": false");
    }

    /** Heads wider than hidden / heads, and norms of queries and keys. */
    public static ModelConfig qwen3() {
        return config("Qwen3ForCausalLM", "qwen3", "\"tie_word_embeddings\": true, \"head_dim\": 8");
    }

    /** Caps and a window that a text of these lengths reaches. */
    public static ModelConfig gemma2() {
        return config("Gemma2ForCausalLM", "gemma2", """
                "num_hidden_layers": 3, "head_dim": 8, "query_pre_attn_scalar": 8, "sliding_window": 12,
                "hidden_act": "gelu_pytorch_tanh", "hidden_activation": "gelu_pytorch_tanh",
                "attn_logit_softcapping": 4.0, "final_logit_softcapping": 6.0
                """);
    }

    /** Seven layers, so that the sixth is global and others are local; two rotary bases, the global one scaled. */
    public static ModelConfig gemma3() {
        return config("Gemma3ForCausalLM", "gemma3_text", """
                "num_hidden_layers": 7, "head_dim": 8, "query_pre_attn_scalar": 8, "sliding_window": 12,
                "hidden_activation": "gelu_pytorch_tanh", "rope_theta": 20000.0, "rope_local_base_freq": 100.0,
                "rope_scaling": {"rope_type": "linear", "factor": 8.0}
                """);
    }

    public static ModelConfig phi3() {
        return config("Phi3ForCausalLM", "phi3", """
                "tie_word_embeddings": false, "sliding_window": null, "rope_scaling": null,
                "original_max_position_embeddings": 512
                """);
    }

    /** Long rope whose first context was {@code original} tokens: tests of 80 tokens are within it or beyond. */
    public static ModelConfig phi3(int original) {
        return config("Phi3ForCausalLM", "phi3", """
                "tie_word_embeddings": false, "sliding_window": null,
                "max_position_embeddings": 4096,
                "original_max_position_embeddings": %d,
                "rope_scaling": {"type": "longrope", "short_factor": [1.05, 1.4], "long_factor": [1.3, 5.0]}
                """.formatted(original));
    }

    /** Phi-4-mini's heads, of which positions turn three quarters. */
    public static ModelConfig phi4() {
        return config("Phi3ForCausalLM", "phi3", """
                "hidden_size": 32, "tie_word_embeddings": true, "sliding_window": null,
                "max_position_embeddings": 4096, "original_max_position_embeddings": 64, "partial_rotary_factor": 0.75,
                "rope_scaling": {"type": "longrope", "short_factor": [1, 1, 1], "long_factor": [1.1, 1.3, 5.0]}
                """);
    }

    /** Heads of eight pairs: some kept, some divided and one between, as in long contexts of Qwen. */
    public static ModelConfig yarn(String architecture, String type) {
        return config(architecture, type, """
                "hidden_size": 64, "head_dim": 16, "tie_word_embeddings": true, "rope_scaling":
                {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 512}
                """);
    }

    public static ModelConfig mixtral() {
        return config("MixtralForCausalLM", "mixtral", """
                "tie_word_embeddings": false, "sliding_window": null, "num_local_experts": 4, "num_experts_per_tok": 2
                """);
    }

    public static ModelConfig qwen3moe() {
        return config("Qwen3MoeForCausalLM", "qwen3_moe", """
                "tie_word_embeddings": false, "head_dim": 8, "num_experts": 6, "num_experts_per_tok": 2,
                "moe_intermediate_size": 12, "norm_topk_prob": true, "decoder_sparse_step": 1, "mlp_only_layers": []
                """);
    }

    /** Four layers, of which the last turns nothing by position. */
    public static ModelConfig smollm3() {
        return config("SmolLM3ForCausalLM", "smollm3", """
                "num_hidden_layers": 4, "no_rope_layers": [1, 1, 1, 0]
                """);
    }

    /** Weights in which nothing is neutral: norms differ from 1 and biases from 0. */
    public static Weights weights(ModelConfig config, long seed) {
        return weights(config, seed, 0.3);
    }

    /** Likewise, drawn with this deviation. */
    static Weights weights(ModelConfig config, long seed, double deviation) {
        SplittableRandom random = new SplittableRandom(seed);
        Map<String, float[]> values = new LinkedHashMap<>();
        float gain = config.architecture().has(Trait.NORM_OFFSET) ? 0 : 1;
        for (TensorSpec spec : DecoderLayout.tensors(config)) {
            float[] all = new float[(int) spec.shape().elements()];
            boolean norm = spec.name().endsWith("norm.weight");
            // llama.cpp rounds GELU to half precision: a smaller share of it leaves other differences visible.
            boolean rounded = spec.name().endsWith("post_feedforward_layernorm.weight");
            for (int i = 0; i < all.length; i++) {
                all[i] = (float)
                        ((rounded ? 0.1 : deviation) * random.nextGaussian() + (rounded ? -0.8 : norm ? gain : 0));
            }
            values.put(spec.name(), all);
        }
        return new Weights(config, values);
    }

    /** A folder with config.json, weights and tokenizer, as training writes it. */
    public static Path folder(Path folder, WeightSource source) throws IOException {
        weightsFolder(folder, source);
        tokenizer(folder, true);
        return folder;
    }

    /** Likewise without a tokenizer. */
    public static void weightsFolder(Path folder, WeightSource source) throws IOException {
        Files.createDirectories(folder);
        try (CausalLanguageModel model = CausalLanguageModel.load(source);
                DenseWriter writer =
                        DenseWriter.original(folder, source.config().json(), model.specs(DType.F32))) {
            model.write(writer);
            writer.finish();
        }
    }

    /** A byte-level BPE: 256 bytes, begin, end, and the merges "t h" and "th e". */
    public static Path tokenizer(Path folder, boolean addsBegin) throws IOException {
        ObjectNode json = JSON.createObjectNode();
        json.put("version", "1.0").putNull("truncation").putNull("padding");
        var added = json.putArray("added_tokens");
        for (int id = BEGIN; id < BEGIN + 2; id++) {
            added.addObject()
                    .put("id", id)
                    .put("content", id == BEGIN ? "<s>" : "</s>")
                    .put("single_word", false)
                    .put("lstrip", false)
                    .put("rstrip", false)
                    .put("normalized", false)
                    .put("special", true);
        }
        json.putNull("normalizer");
        json.putObject("pre_tokenizer")
                .put("type", "ByteLevel")
                .put("add_prefix_space", false)
                .put("trim_offsets", true)
                .put("use_regex", true);
        json.putNull("post_processor");
        json.putObject("decoder")
                .put("type", "ByteLevel")
                .put("add_prefix_space", true)
                .put("trim_offsets", true)
                .put("use_regex", true);
        ObjectNode model = json.putObject("model");
        model.put("type", "BPE").putNull("dropout").putNull("unk_token");
        ObjectNode vocabulary = model.putObject("vocab");
        List<String> bytes = byteCharacters();
        for (int i = 0; i < 256; i++) {
            vocabulary.put(bytes.get(i), i);
        }
        vocabulary.put("<s>", BEGIN).put("</s>", BEGIN + 1).put("th", BEGIN + 2).put("the", BEGIN + 3);
        model.putArray("merges").add("t h").add("th e");
        Files.writeString(folder.resolve("tokenizer.json"), json.toString());
        Files.writeString(
                folder.resolve("tokenizer_config.json"),
                JSON.createObjectNode()
                        .put("add_bos_token", addsBegin)
                        .put("bos_token", "<s>")
                        .put("eos_token", "</s>")
                        .put("tokenizer_class", "PreTrainedTokenizerFast")
                        .toString());
        return folder;
    }

    /** GPT-2's printable stand-in for each byte. */
    static List<String> byteCharacters() {
        List<String> characters = new ArrayList<>();
        int next = 256;
        for (int b = 0; b < 256; b++) {
            boolean printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || (b >= 0xAE && b <= 0xFF);
            characters.add(String.valueOf((char) (printable ? b : next++)));
        }
        return characters;
    }

    /** A held-out text with some structure, as long as asked. */
    public static String text(int characters) {
        SplittableRandom random = new SplittableRandom(11);
        String[] words = {"the", "mill", "turns", "in", "water", "and", "grain", "then", "there", "is", "flour"};
        StringBuilder text = new StringBuilder();
        while (text.length() < characters) {
            text.append(words[random.nextInt(words.length)]).append(random.nextInt(8) == 0 ? ".\n" : " ");
        }
        return text.substring(0, characters);
    }

    /** Weights held in arrays. */
    public record Weights(ModelConfig config, Map<String, float[]> values) implements WeightSource {
        @Override
        public List<TensorSpec> tensors() {
            return DecoderLayout.tensors(config);
        }

        public float[] of(String name) {
            float[] found = values.get(name);
            if (found == null) {
                throw new IllegalArgumentException("no '" + name + "'");
            }
            return found;
        }

        /** The same weights with one tensor replaced. */
        public Weights with(String name, float[] replacement) {
            Map<String, float[]> changed = new LinkedHashMap<>(values);
            changed.put(name, replacement);
            return new Weights(config, changed);
        }

        @Override
        public void read(String name, long from, long to, MemorySegment destination) {
            float[] all = of(name);
            long rowLength = tensors().stream()
                    .filter(spec -> spec.name().equals(name))
                    .findFirst()
                    .orElseThrow()
                    .shape()
                    .rowLength();
            MemorySegment.copy(all, (int) (from * rowLength), destination, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, (int)
                    ((to - from) * rowLength));
        }

        @Override
        public void close() {}
    }
}
