package io.millrace.tensors.format.gguf;

import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.json.StrictJson;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

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

    private ModelKeys() {}

    static Map<String, GgufValue> of(ModelConfig config) {
        String architecture = config.architecture().ggufName();
        String prefix = architecture + ".";
        Map<String, GgufValue> keys = new LinkedHashMap<>();
        keys.put(ARCHITECTURE, GgufValue.text(architecture));
        keys.put("general.type", GgufValue.text("model"));
        keys.put(NAME, GgufValue.text(config.name()));
        keys.put(GgufHeader.MADE_KEY, new GgufValue.Flag(true));
        keys.put(CONFIG, GgufValue.text(new String(StrictJson.compact(config.json()), StandardCharsets.UTF_8)));
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
        keys.put(prefix + ROPE_DIMENSIONS, GgufValue.u32(config.headSize()));
        keys.put(prefix + VOCABULARY_SIZE, GgufValue.u32(config.vocabularySize()));
        return keys;
    }
}
