package io.millrace.client;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.events.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** JSON in a checkpoint's folder; its fields are checked as they are asked for. */
record CheckpointJson(Path file, JsonNode node) {
    private static final String REMEDY = "; copy the file again";
    private static final long LARGEST_BYTES = 64L << 20;
    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    /** Defaults of Gemma3TextConfig. */
    private static final Map<String, Integer> GEMMA_3 = Map.of(
            "vocab_size", 262_208,
            "num_attention_heads", 8,
            "num_key_value_heads", 4,
            "max_position_embeddings", 131_072);

    static CheckpointJson read(Path file) throws IOException {
        CheckpointJson json = any(file);
        if (!json.node.isObject()) {
            throw json.refused("holds no JSON object" + REMEDY);
        }
        return json;
    }

    static CheckpointJson list(Path file) throws IOException {
        CheckpointJson json = any(file);
        if (!json.node.isArray()) {
            throw json.refused("holds no JSON list" + REMEDY);
        }
        return json;
    }

    private static CheckpointJson any(Path file) throws IOException {
        if (Files.size(file) > LARGEST_BYTES) {
            throw new RefusedCheckpointException(
                    Reason.MALFORMED_CHECKPOINT,
                    file + ": has " + Files.size(file) + " bytes, expected at most " + LARGEST_BYTES);
        }
        try {
            return new CheckpointJson(file, MAPPER.readTree(file.toFile()));
        } catch (JsonProcessingException e) {
            throw new RefusedCheckpointException(
                    Reason.MALFORMED_CHECKPOINT,
                    file + ": no JSON" + line(e.getLocation()) + " (" + problem(e) + ")" + REMEDY,
                    e);
        }
    }

    /** Without where the bracket that is never closed was opened, as the parser puts it. */
    private static String problem(JsonProcessingException e) {
        return e.getOriginalMessage().replaceFirst(" \\(start marker at .*", "");
    }

    /** A limit of the parser, such as that of nested brackets, is broken at no place. */
    private static String line(@Nullable JsonLocation location) {
        return location == null ? "" : " at line " + location.getLineNr();
    }

    /**
     * Where the sizes of the language model stand: a multimodal one has them within {@code text_config}, and those of
     * Gemma 3 leave out what equals the defaults of transformers.
     */
    CheckpointJson language() {
        if (!node.path("text_config").isObject()) {
            return this;
        }
        ObjectNode text = node.get("text_config").deepCopy();
        if (node.path("model_type").asText().equals("gemma3")) {
            GEMMA_3.forEach((name, size) -> {
                if (!text.has(name)) {
                    text.put(name, size);
                }
            });
        }
        return new CheckpointJson(file, text);
    }

    boolean present(String name) {
        return node.hasNonNull(name);
    }

    boolean isTrue(String name) {
        return node.path(name).asBoolean(false);
    }

    int positive(String name) throws RefusedCheckpointException {
        JsonNode value = node.path(name);
        if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() <= 0) {
            throw refused("'" + name + "' is " + (value.isMissingNode() ? "missing" : "'" + value + "'")
                    + ", expected a positive whole number");
        }
        return value.intValue();
    }

    RefusedCheckpointException refused(String what) {
        return new RefusedCheckpointException(Reason.MALFORMED_CHECKPOINT, file + ": " + what);
    }
}
