package io.millrace.tensors.format.gguf.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.format.gguf.GgufHeader;
import io.millrace.tensors.format.gguf.GgufValue;
import io.millrace.tensors.json.StrictJson;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class GenerationFileTest {
    private static final String PREFIX = "tokenizer.ggml.";

    @TempDir
    Path folder;

    @Test
    void everyEndThatAKeyNamesEndsATextWithThoseOfTheConfiguration() throws Exception {
        Map<String, GgufValue> keys = keys();
        keys.put(PREFIX + "eot_token_id", GgufValue.u32(3));
        keys.put(PREFIX + "eom_token_id", GgufValue.u32(99));

        assertThat(written(keys, "{\"bos_token_id\": 2, \"eos_token_id\": [1, 4], \"pad_token_id\": null}"))
                .isEqualTo("{\"bos_token_id\":2,\"eos_token_id\":[0,3,1,4]}");
        keys.put(PREFIX + "eom_token_id", GgufValue.u32(2));
        assertThat(written(keys, "{}")).isEqualTo("{\"eos_token_id\":[0,3,2]}");
    }

    /** Older converters wrote no key for it. */
    @Test
    void aModelThatChatsEndsItsTurnsByTheTokenThatLlamaCppKnows() throws Exception {
        Map<String, GgufValue> keys = keys();

        assertThat(written(keys, "{\"pad_token_id\": 0}")).isEqualTo("{\"eos_token_id\":[0],\"pad_token_id\":0}");
        keys.put("tokenizer.chat_template", GgufValue.text("x"));
        assertThat(written(keys, "{}")).isEqualTo("{\"eos_token_id\":[0,1]}");
        keys.put(PREFIX + "token_type", GgufValue.i32s(List.of(3, 1, 3, 3)));
        assertThat(written(keys, "{}")).isEqualTo("{\"eos_token_id\":[0]}");
    }

    @Test
    void withoutAnEndThereIsNoFile() throws Exception {
        GenerationFile.of(new GgufHeader(Map.of(), List.of(), 32)).write(folder, StrictJson.object());

        assertThat(folder.resolve("generation_config.json")).doesNotExist();
    }

    private String written(Map<String, GgufValue> keys, String config) throws Exception {
        Path file = Files.writeString(folder.resolve("config.json"), config);
        ObjectNode json = StrictJson.readFile(file, 1 << 20);
        GenerationFile.of(new GgufHeader(keys, List.of(), 32)).write(folder, json);
        return StrictJson.readFile(folder.resolve("generation_config.json"), 1 << 20)
                .toString();
    }

    private static Map<String, GgufValue> keys() {
        Map<String, GgufValue> keys = new LinkedHashMap<>();
        keys.put(PREFIX + "tokens", GgufValue.texts(List.of("<eos>", "<end_of_turn>", "<bos>", "x")));
        keys.put(PREFIX + "token_type", GgufValue.i32s(List.of(3, 3, 3, 3)));
        keys.put(PREFIX + "eos_token_id", GgufValue.u32(0));
        return keys;
    }
}
