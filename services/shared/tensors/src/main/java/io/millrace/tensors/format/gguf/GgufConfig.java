package io.millrace.tensors.format.gguf;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.architecture.Architecture;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.json.StrictJson;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Reads a model's numbers from GGUF metadata: from the config.json that our own files carry, which must agree with the
 * keys, or else from the keys alone.
 */
final class GgufConfig {
    private final GgufReader reader;

    private GgufConfig(GgufReader reader) {
        this.reader = reader;
    }

    static ModelConfig of(GgufReader reader) throws MalformedFileException {
        return new GgufConfig(reader).config();
    }

    private ModelConfig config() throws MalformedFileException {
        ObjectNode stated = fromKeys();
        ModelConfig fromKeys = ModelConfig.of(stated, reader.file());
        if (!(reader.header().metadata().get(ModelKeys.CONFIG) instanceof GgufValue.Text(String json))) {
            return fromKeys;
        }
        ModelConfig whole = ModelConfig.of(
                StrictJson.parse(ByteBuffer.wrap(json.getBytes(StandardCharsets.UTF_8)), reader.file(), 0),
                reader.file());
        requireAgreement(fromKeys, whole);
        return whole;
    }

    private ObjectNode fromKeys() throws MalformedFileException {
        Architecture architecture = architecture();
        String prefix = architecture.ggufName() + ".";
        refuseUnknownRules(prefix);
        ObjectNode json = StrictJson.object();
        json.putArray("architectures").add(architecture.className());
        json.put("model_type", architecture.modelType());
        if (reader.header().metadata().get(ModelKeys.NAME) instanceof GgufValue.Text(String name)) {
            json.put("_name_or_path", name);
        }
        long heads = whole(prefix + ModelKeys.HEAD_COUNT);
        json.put("num_hidden_layers", whole(prefix + ModelKeys.BLOCK_COUNT));
        json.put("max_position_embeddings", whole(prefix + ModelKeys.CONTEXT_LENGTH));
        json.put("hidden_size", whole(prefix + ModelKeys.EMBEDDING_LENGTH));
        json.put("intermediate_size", whole(prefix + ModelKeys.FEED_FORWARD_LENGTH));
        json.put("num_attention_heads", heads);
        json.put(
                "num_key_value_heads",
                optional(prefix + ModelKeys.KEY_VALUE_HEAD_COUNT).orElse(heads));
        json.put("rms_norm_eps", real(prefix + ModelKeys.NORM_EPSILON));
        json.put(
                "rope_theta",
                reader.header().metadata().containsKey(prefix + ModelKeys.ROPE_BASE)
                        ? real(prefix + ModelKeys.ROPE_BASE)
                        : 10_000);
        headSize(prefix).ifPresent(size -> json.put("head_dim", size));
        json.put("vocab_size", embeddingRows());
        json.put("tie_word_embeddings", tensor("output.weight").isEmpty());
        return json;
    }

    private Architecture architecture() throws MalformedFileException {
        if (reader.header().metadata().get(ModelKeys.ARCHITECTURE) instanceof GgufValue.Text(String name)) {
            for (Architecture architecture : Architecture.known()) {
                if (architecture.ggufName().equals(name)) {
                    return architecture;
                }
            }
            throw problem("'" + ModelKeys.ARCHITECTURE + "' is '" + name + "', which is not supported");
        }
        throw problem("'" + ModelKeys.ARCHITECTURE + "' is missing, expected the name of an architecture");
    }

    /** What would change the meaning of the weights in a way that a {@link ModelConfig} cannot say. */
    private void refuseUnknownRules(String prefix) throws MalformedFileException {
        if (optional(prefix + "expert_count").orElse(0) > 0) {
            throw problem("'" + prefix + "expert_count' is above 0, but experts are not supported");
        }
        GgufValue scaling = reader.header().metadata().get(prefix + "rope.scaling.type");
        if (scaling != null && !scaling.equals(GgufValue.text("none"))) {
            throw problem("'" + prefix + "rope.scaling.type' is " + scaling + ", expected none");
        }
        if (tensor(RopeFactors.TENSOR).isPresent()
                && !reader.header().metadata().containsKey(ModelKeys.CONFIG)) {
            throw problem("tensor '" + RopeFactors.TENSOR + "' scales rotary angles by numbers whose rule is unknown;"
                    + " expected the key '" + ModelKeys.CONFIG + "' beside it");
        }
    }

    private OptionalLong headSize(String prefix) throws MalformedFileException {
        OptionalLong size = optional(prefix + ModelKeys.KEY_LENGTH);
        for (String key : new String[] {ModelKeys.VALUE_LENGTH, ModelKeys.ROPE_DIMENSIONS}) {
            OptionalLong other = optional(prefix + key);
            if (other.isPresent() && size.isPresent() && other.getAsLong() != size.getAsLong()) {
                throw problem("'" + prefix + key + "' is " + other.getAsLong() + ", expected the head size "
                        + size.getAsLong());
            }
        }
        return size;
    }

    private long embeddingRows() throws MalformedFileException {
        return tensor("token_embd.weight")
                .orElseThrow(() -> problem("tensor 'token_embd.weight' is missing"))
                .shape()
                .rows();
    }

    private Optional<GgufTensor> tensor(String name) {
        return reader.header().tensors().stream()
                .filter(tensor -> tensor.name().equals(name))
                .findFirst();
    }

    private void requireAgreement(ModelConfig keys, ModelConfig json) throws MalformedFileException {
        require(
                "architecture",
                keys.architecture().ggufName(),
                json.architecture().ggufName());
        require("vocabulary size", keys.vocabularySize(), json.vocabularySize());
        require("hidden size", keys.hiddenSize(), json.hiddenSize());
        require("feed-forward size", keys.feedForwardSize(), json.feedForwardSize());
        require("number of layers", keys.layerCount(), json.layerCount());
        require("number of heads", keys.headCount(), json.headCount());
        require("number of key-value heads", keys.keyValueHeadCount(), json.keyValueHeadCount());
        require("head size", keys.headSize(), json.headSize());
        require("context length", keys.maxPositions(), json.maxPositions());
        require("norm epsilon", (float) keys.normEpsilon(), (float) json.normEpsilon());
        require("rotary base", (float) keys.ropeTheta(), (float) json.ropeTheta());
        require("tied head", keys.tiedHead(), json.tiedHead());
    }

    private void require(String what, Object keys, Object json) throws MalformedFileException {
        if (!keys.equals(json)) {
            throw problem(
                    "the " + what + " is " + keys + " by its keys, but " + json + " in '" + ModelKeys.CONFIG + "'");
        }
    }

    private long whole(String key) throws MalformedFileException {
        return optional(key).orElseThrow(() -> problem("key '" + key + "' is missing, expected a number"));
    }

    private OptionalLong optional(String key) throws MalformedFileException {
        GgufValue value = reader.header().metadata().get(key);
        if (value == null) {
            return OptionalLong.empty();
        }
        if (value instanceof GgufValue.Whole number) {
            return OptionalLong.of(number.value());
        }
        throw problem("key '" + key + "' has type " + value.type() + ", expected a whole number");
    }

    private double real(String key) throws MalformedFileException {
        if (reader.header().metadata().get(key) instanceof GgufValue.Real number) {
            return number.value();
        }
        throw problem("key '" + key + "' is missing or no F32");
    }

    private MalformedFileException problem(String what) {
        return new MalformedFileException(reader.file(), -1, what);
    }
}
