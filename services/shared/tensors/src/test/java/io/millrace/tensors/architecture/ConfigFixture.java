package io.millrace.tensors.architecture;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.checkpoint.TinyModels;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/** The config.json of a tiny model, with what a test changes in it. */
abstract class ConfigFixture {
    static ModelConfig parse(Consumer<ObjectNode> edit) throws IOException {
        ObjectNode json = TinyModels.llama();
        edit.accept(json);
        return ModelConfig.of(json, "config.json");
    }

    static JsonNode value(String json) {
        try {
            return StrictJson.parse(
                            ByteBuffer.wrap(("{\"v\":" + json + "}").getBytes(StandardCharsets.UTF_8)), "value", 0)
                    .get("v");
        } catch (IOException malformed) {
            throw new UncheckedIOException(malformed);
        }
    }
}
