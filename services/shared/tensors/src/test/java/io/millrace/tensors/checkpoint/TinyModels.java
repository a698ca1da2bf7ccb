package io.millrace.tensors.checkpoint;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.Architecture;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.architecture.Trait;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Small checkpoints with seeded weights, written by {@link DenseWriter}. */
public final class TinyModels {
    private TinyModels() {}

    /** A config.json of two layers whose projections have rows of 128 and 256. */
    public static ObjectNode config(String className, String modelType) throws IOException {
        String json = """
                {"architectures": ["%s"], "model_type": "%s", "hidden_size": 128, "intermediate_size": 256,
                 "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 96,
                 "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu",
                 "tie_word_embeddings": false, "torch_dtype": "float32"}
                """.formatted(className, modelType);
        return StrictJson.parse(ByteBuffer.wrap(json.getBytes(StandardCharsets.UTF_8)), "config.json", 0);
    }

    /** A config.json of each architecture that is known, with what its kind needs to state. */
    public static List<ObjectNode> each() throws IOException {
        List<ObjectNode> configs = new ArrayList<>();
        for (Architecture architecture : Architecture.known()) {
            configs.add(of(architecture));
        }
        return configs;
    }

    /** The config.json of one architecture, by the name of its class. */
    public static ObjectNode of(String className) throws IOException {
        for (Architecture architecture : Architecture.known()) {
            if (architecture.className().equals(className)) {
                return of(architecture);
            }
        }
        throw new IllegalArgumentException(className);
    }

    public static ObjectNode of(Architecture architecture) throws IOException {
        ObjectNode json = config(architecture.className(), architecture.modelType());
        json.put("head_dim", 32);
        json.put("sliding_window", 16);
        if (architecture.has(Trait.GELU)) {
            json.remove("hidden_act");
        }
        if (architecture.has(Trait.SCORE_CAP)) {
            json.put("attn_logit_softcapping", 50.0).put("final_logit_softcapping", 30.0);
        }
        if (architecture.has(Trait.QUERY_SCALAR)) {
            json.put("query_pre_attn_scalar", 32);
        }
        if (architecture.has(Trait.LOCAL_ROTARY_BASE)) {
            json.put("rope_theta", 1e6).put("rope_local_base_freq", 20_000.0);
        }
        if (architecture.has(Trait.LINEAR_SCALING)) {
            json.putObject("rope_scaling").put("rope_type", "linear").put("factor", 8.0);
        }
        if (architecture.has(Trait.LONG_ROPE)) {
            json.put("original_max_position_embeddings", 32);
            ObjectNode scaling = json.putObject("rope_scaling").put("type", "longrope");
            for (String key : List.of("short_factor", "long_factor")) {
                ArrayNode factors = scaling.putArray(key);
                for (int i = 0; i < 16; i++) {
                    factors.add(1 + i * (key.startsWith("s") ? 0.25 : 0.5));
                }
            }
        }
        if (architecture.expertKeys().isPresent()) {
            json.put(architecture.expertKeys().get().count(), 3).put("num_experts_per_tok", 2);
            json.put(architecture.expertKeys().get().size(), 128).put("norm_topk_prob", true);
        }
        if (architecture.has(Trait.ALWAYS_TIED)) {
            json.remove("tie_word_embeddings");
        }
        return json;
    }

    public static ObjectNode llama() throws IOException {
        return config("LlamaForCausalLM", "llama");
    }

    /** Writes a model of Gaussian weights and returns its folder. */
    public static Path write(Path folder, ObjectNode config, DType type, long seed) throws IOException {
        return write(folder, config, type, seed, 0.05f);
    }

    /**
     * Writes a model whose answers depend on all of its layers, or hardly on any.
     *
     * @param deviation of its weights
     */
    public static Path write(Path folder, ObjectNode config, DType type, long seed, float deviation)
            throws IOException {
        ModelConfig model = ModelConfig.of(config, "config.json");
        List<TensorRule> rules = model.architecture().tensors(model);
        List<TensorSpec> specs = rules.stream()
                .map(rule -> TensorSpec.plain(rule.name(), type, rule.shape()))
                .toList();
        Random random = new Random(seed);
        try (DenseWriter writer = DenseWriter.original(folder, config, specs)) {
            for (TensorRule rule : rules) {
                float[] weights = new float[Math.toIntExact(rule.shape().elements())];
                for (int i = 0; i < weights.length; i++) {
                    weights[i] = (float) random.nextGaussian() * deviation;
                }
                writer.appendFloats(rule.name(), MemorySegment.ofArray(weights));
            }
            writer.finish();
        }
        return folder;
    }
}
