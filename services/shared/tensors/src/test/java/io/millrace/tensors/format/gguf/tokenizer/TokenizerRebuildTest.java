package io.millrace.tensors.format.gguf.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.tensors.format.gguf.GgufHeader;
import io.millrace.tensors.format.gguf.GgufValue;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class TokenizerRebuildTest {
    private static final String PREFIX = "tokenizer.ggml.";

    @TempDir
    Path folder;

    /** As llama.cpp takes it, by the splitting's name; its older converters wrote no key for Llama 3. */
    @ParameterizedTest
    @CsvSource({
        "llama-bpe, none, true",
        "llama-bpe, false, false",
        "tekken, none, true",
        "smaug-bpe, none, false",
        "qwen2, none, false",
        "qwen2, true, true"
    })
    void aFileThatDoesNotSayStartsTextsAsLlamaCppDoes(String splitting, String key, boolean begins) throws Exception {
        Map<String, GgufValue> keys = new LinkedHashMap<>();
        keys.put(PREFIX + "model", GgufValue.text("gpt2"));
        keys.put(PREFIX + "pre", GgufValue.text(splitting));
        keys.put(PREFIX + "tokens", GgufValue.texts(List.of("a", "b", "<begin>")));
        keys.put(PREFIX + "token_type", GgufValue.i32s(List.of(1, 1, 3)));
        keys.put(PREFIX + "merges", GgufValue.texts(List.of()));
        keys.put(PREFIX + "bos_token_id", GgufValue.u32(2));
        if (!key.equals("none")) {
            keys.put(PREFIX + "add_bos_token", new GgufValue.Flag(Boolean.parseBoolean(key)));
        }

        assertThat(TokenizerRebuild.of(new GgufHeader(keys, List.of(), 32)).write(folder))
                .isTrue();

        String tokenizer = Files.readString(folder.resolve("tokenizer.json"));
        assertThat(tokenizer.contains("TemplateProcessing")).isEqualTo(begins);
    }
}
