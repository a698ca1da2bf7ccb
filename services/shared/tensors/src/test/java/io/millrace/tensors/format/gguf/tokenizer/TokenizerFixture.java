package io.millrace.tensors.format.gguf.tokenizer;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.checkpoint.TinyModels;
import io.millrace.tensors.format.gguf.GgufValue;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.io.TempDir;

/** A checkpoint's folder with the files of a tokenizer, and the GGUF keys that are made of them. */
abstract class TokenizerFixture {
    static final String BYTE_LEVEL =
            "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": %s}";

    @TempDir
    Path folder;

    Map<String, GgufValue> keys(int rows) throws IOException {
        ObjectNode config = TinyModels.llama().put("vocab_size", rows);
        return TokenizerKeys.of(folder, ModelConfig.of(config, "config.json")).keys();
    }

    Map<String, GgufValue> keys(int rows, int begin) throws IOException {
        ObjectNode config = TinyModels.llama().put("vocab_size", rows).put("bos_token_id", begin);
        return TokenizerKeys.of(folder, ModelConfig.of(config, "config.json")).keys();
    }

    Optional<String> lost(int rows) throws IOException {
        ObjectNode config = TinyModels.llama().put("vocab_size", rows);
        TokenizerKeys.Written written = TokenizerKeys.of(folder, ModelConfig.of(config, "config.json"));
        return written.lost().in(written.keys());
    }

    void write(String name, String text) throws IOException {
        Files.writeString(folder.resolve(name), text);
    }

    static String plainByteLevel() {
        return byteLevel(BYTE_LEVEL.formatted("true"), "null", false, "");
    }

    static String byteLevel(String splitting, String normalizer, boolean wholeWords, String first) {
        String json = """
                {"added_tokens": [{"id": 3, "content": "<|end|>", "special": true}], "normalizer": %s,
                 "pre_tokenizer": %s,
                 "post_processor": {"type": "TemplateProcessing", "single": [%s{"Sequence": {"id": "A"}}]},
                 "model": {"type": "BPE", "ignore_merges": %s, "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}}
                """.formatted(
                        normalizer,
                        splitting,
                        first.isEmpty() ? "" : "{\"SpecialToken\": {\"id\": \"" + first + "\"}}, ",
                        wholeWords);
        try {
            return StrictJson.print(
                    StrictJson.parse(ByteBuffer.wrap(json.getBytes(StandardCharsets.UTF_8)), "tokenizer.json", 0));
        } catch (MalformedFileException wrong) {
            throw new AssertionError(wrong);
        }
    }
}
