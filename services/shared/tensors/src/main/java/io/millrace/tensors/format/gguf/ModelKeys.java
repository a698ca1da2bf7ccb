package io.millrace.tensors.format.gguf;

import io.millrace.tensors.architecture.LayerAttention;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.RopeScaling;
import io.millrace.tensors.architecture.Trait;
import io.millrace.tensors.json.StrictJson;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * The metadata keys that say what a model is. llama.cpp demands the exact value types. What GGUF has no key for, such
 * as Llama 3's scaling, is kept in our own key, the checkpoint's whole config.json.
 */
final class ModelKeys {
    static final String ARCHITECTURE = "general.architecture";
    static final String NAME = "general.name";
    static final String CONFIG = "millrace.config";

    static final String BLOCK_COUNT = "block_count";
    static final String CONTEXT_LENGTH = "context_length";
    static final String EMBEDDING_LENGTH = "embedding_length";
    static final String FEED_FORWARD_LENGTH = "feed_forward_length";
    static final String HEAD_COUNT = "attention.head_count";
    static final String KEY_VALUE_HEAD_COUNT = "attention.head_count_kv";
    static final String KEY_LENGTH = "attention.key_length";
    static final String VALUE_LENGTH = "attention.value_length";
    static final String NORM_EPSILON = "attention.layer_norm_rms_epsilon";
    static final String ROPE_BASE = "rope.freq_base";
    static final String ROPE_DIMENSIONS = "rope.dimension_count";
    static final String VOCABULARY_SIZE = "vocab_size";

    static final String SLIDING_WINDOW = "attention.sliding_window";
    static final String SCORE_CAP = "attn_logit_softcapping";
    static final String LOGIT_CAP = "final_logit_softcapping";
    static final String LOCAL_ROPE_BASE = "rope.freq_base_swa";
    /** What Ollama's converter calls the same; llama.cpp does not read it. */
    static final String OLLAMA_LOCAL_ROPE_BASE = "rope.local.freq_base";
    /** Says what llama.cpp takes from the architecture where it is missing. */
    static final String WINDOW_PATTERN = "attention.sliding_window_pattern";

    static final String SCALING_TYPE = "rope.scaling.type";
    static final String SCALING_FACTOR = "rope.scaling.factor";
    static final String SCALING_POSITIONS = "rope.scaling.original_context_length";
    static final String SCALING_ATTENTION = "rope.scaling.attn_factor";
    /** What the keys of such settings begin with. */
    static final String YARN_SETTINGS = "rope.scaling.yarn_";

    static final String EXPERT_COUNT = "expert_count";
    static final String EXPERT_USED_COUNT = "expert_used_count";
    static final String EXPERT_SIZE = "expert_feed_forward_length";

    static final String LINEAR = "linear";
    static final String LONG_ROPE = "longrope";
    static final String YARN = "yarn";

    /** Where config.json says for how long a context long rope was trained at first. */
    static final String ORIGINAL_POSITIONS = "original_max_position_embeddings";

    /** Experts of this key's size have no other in GGUF than the feed-forward's. */
    private static final String FEED_FORWARD_SIZE = "intermediate_size";

    private ModelKeys() {}

    static Map<String, GgufValue> of(ModelConfig config) {
        String architecture = config.architecture().ggufName();
        String prefix = architecture + ".";
        Map<String, GgufValue> keys = new LinkedHashMap<>();
        keys.put(ARCHITECTURE, GgufValue.text(architecture));
        keys.put("general.type", GgufValue.text("model"));
        config.name().ifPresent(name -> keys.put(NAME, GgufValue.text(name)));
        keys.put(GgufHeader.MADE_KEY, new GgufValue.Flag(true));
        keys.put(CONFIG, GgufValue.text(new String(StrictJson.compact(config.headed()), StandardCharsets.UTF_8)));
        keys.put(prefix + BLOCK_COUNT, GgufValue.u32(config.layerCount()));
        keys.put(prefix + CONTEXT_LENGTH, GgufValue.u32(config.maxPositions()));
        keys.put(prefix + EMBEDDING_LENGTH, GgufValue.u32(config.hiddenSize()));
        keys.put(prefix + FEED_FORWARD_LENGTH, GgufValue.u32(config.feedForwardSize()));
        keys.put(prefix + HEAD_COUNT, GgufValue.u32(config.headCount()));
        keys.put(prefix + KEY_VALUE_HEAD_COUNT, GgufValue.u32(config.keyValueHeadCount()));
        keys.put(prefix + NORM_EPSILON, GgufValue.f32(config.normEpsilon()));
        keys.put(prefix + ROPE_BASE, GgufValue.f32(config.ropeTheta()));
        keys.put(prefix + KEY_LENGTH, GgufValue.u32(config.headSize()));
        keys.put(prefix + VALUE_LENGTH, GgufValue.u32(config.headSize()));
        keys.put(prefix + ROPE_DIMENSIONS, GgufValue.u32(config.rotarySize()));
        keys.put(prefix + VOCABULARY_SIZE, GgufValue.u32(config.vocabularySize()));
        putAttention(keys, prefix, config);
        putScaling(keys, prefix, config);
        config.experts().ifPresent(experts -> {
            keys.put(prefix + EXPERT_COUNT, GgufValue.u32(experts.count()));
            keys.put(prefix + EXPERT_USED_COUNT, GgufValue.u32(experts.perToken()));
            if (!config.architecture().expertKeys().orElseThrow().size().equals(FEED_FORWARD_SIZE)) {
                keys.put(prefix + EXPERT_SIZE, GgufValue.u32(experts.size()));
            }
        });
        return keys;
    }

    private static void putAttention(Map<String, GgufValue> keys, String prefix, ModelConfig config) {
        if (config.architecture().has(Trait.WINDOW_IN_GGUF)) {
            keys.put(
                    prefix + SLIDING_WINDOW,
                    GgufValue.u32(config.slidingWindow().orElse(0)));
        }
        config.scoreCap().ifPresent(cap -> keys.put(prefix + SCORE_CAP, GgufValue.f32(cap)));
        config.logitCap().ifPresent(cap -> keys.put(prefix + LOGIT_CAP, GgufValue.f32(cap)));
        localRopeBase(config).ifPresent(base -> keys.put(prefix + LOCAL_ROPE_BASE, GgufValue.f32(base)));
    }

    /** The rotary base of layers with a window, where they have their own. */
    static OptionalDouble localRopeBase(ModelConfig config) {
        if (!config.architecture().has(Trait.LOCAL_ROTARY_BASE)) {
            return OptionalDouble.empty();
        }
        return config.attention().stream()
                .filter(layer -> layer.window().isPresent())
                .flatMap(layer -> layer.rotary().stream())
                .mapToDouble(LayerAttention.Rotary::base)
                .findFirst();
    }

    private static void putScaling(Map<String, GgufValue> keys, String prefix, ModelConfig config) {
        if (config.architecture().has(Trait.LONG_ROPE)) {
            int original = config.json().path(ORIGINAL_POSITIONS).asInt(config.maxPositions());
            keys.put(prefix + SCALING_POSITIONS, GgufValue.u32(original));
        }
        if (config.ropeScaling().isEmpty()) {
            return;
        }
        switch (config.ropeScaling().get()) {
            case RopeScaling.Linear(double factor) -> {
                keys.put(prefix + SCALING_TYPE, GgufValue.text(LINEAR));
                keys.put(prefix + SCALING_FACTOR, GgufValue.f32(factor));
            }
            case RopeScaling.LongRope scaling -> {
                keys.put(prefix + SCALING_TYPE, GgufValue.text(LONG_ROPE));
                keys.put(prefix + SCALING_POSITIONS, GgufValue.u32(scaling.originalPositions()));
                keys.put(prefix + SCALING_ATTENTION, GgufValue.f32(scaling.attentionFactor()));
            }
            // The attention factor has no key here: llama.cpp finds it by itself, and would multiply by what a key
            // says.
            case RopeScaling.Yarn(double factor, int originalPositions) -> {
                keys.put(prefix + SCALING_TYPE, GgufValue.text(YARN));
                keys.put(prefix + SCALING_FACTOR, GgufValue.f32(factor));
                keys.put(prefix + SCALING_POSITIONS, GgufValue.u32(originalPositions));
            }
            case RopeScaling.Llama3 _ -> {}
        }
    }
}
