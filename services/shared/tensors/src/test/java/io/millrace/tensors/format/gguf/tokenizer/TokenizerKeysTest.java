package io.millrace.tensors.format.gguf.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.format.gguf.GgufValue;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** By which keys a tokenizer splits words, begins and ends texts and turns, and writes a chat. */
class TokenizerKeysTest extends TokenizerFixture {
    private static final String LLAMA_3_WORDS =
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}"
                    + "| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+";

    @Test
    void plainByteLevelIsGpt2AndRowsWithoutATokenArePadded() throws Exception {
        write("tokenizer.json", plainByteLevel());

        Map<String, GgufValue> keys = keys(6);

        assertThat(keys)
                .containsEntry("tokenizer.ggml.model", GgufValue.text("gpt2"))
                .containsEntry("tokenizer.ggml.pre", GgufValue.text("gpt-2"))
                .containsEntry(
                        "tokenizer.ggml.tokens",
                        GgufValue.texts(List.of("a", "b", "ab", "<|end|>", "[PAD4]", "[PAD5]")))
                .containsEntry("tokenizer.ggml.token_type", GgufValue.i32s(List.of(1, 1, 1, 3, 5, 5)))
                .containsEntry("tokenizer.ggml.merges", GgufValue.texts(List.of("a b")))
                .doesNotContainKey("tokenizer.ggml.scores");
    }

    @Test
    void theSplittingOfLlama3IsKnownByItsExpressionAndWhetherWordsAreTakenWhole() throws Exception {
        String split = sequence(LLAMA_3_WORDS);

        write("tokenizer.json", byteLevel(split, "null", true, "<|end|>"));
        assertThat(keys(4)).containsEntry("tokenizer.ggml.pre", GgufValue.text("llama-bpe"));
        write("tokenizer.json", byteLevel(split, "null", true, ""));
        assertThat(keys(4))
                .containsEntry("tokenizer.ggml.pre", GgufValue.text("llama-bpe"))
                .containsEntry("tokenizer.ggml.add_bos_token", new GgufValue.Flag(false));
        write("tokenizer.json", byteLevel(split, "null", false, ""));
        assertThat(keys(4)).containsEntry("tokenizer.ggml.pre", GgufValue.text("smaug-bpe"));
        assertThat(lost(4)).hasValueSatisfying(told -> assertThat(told).doesNotContain("NFC", "pre_tokenizer"));
    }

    @Test
    void theSplittingOfQwen2IsKnownByItsExpressionAndItsNormalizer() throws Exception {
        String split = sequence(LLAMA_3_WORDS.replace("\\\\p{N}{1,3}", "\\\\p{N}"));

        write("tokenizer.json", byteLevel(split, "{\"type\": \"NFC\"}", false, ""));

        assertThat(keys(4)).containsEntry("tokenizer.ggml.pre", GgufValue.text("qwen2"));
        assertThat(lost(4)).hasValueSatisfying(told -> assertThat(told).contains("one is both (NFC)"));
    }

    @Test
    void theSplittingOfPhi4MiniIsKnownThoughItNamesTheMatchesToKeep() throws Exception {
        String words = "[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?[\\\\p{Lu}\\\\p{Lt}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]*"
                + "[\\\\p{Ll}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
                + "|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?[\\\\p{Lu}\\\\p{Lt}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]+"
                + "[\\\\p{Ll}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
                + "|\\\\p{N}{1,3}| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n/]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+";
        String removed = sequence(words).replace("\"Isolated\", \"invert\": false", "\"Removed\", \"invert\": true");

        write("tokenizer.json", byteLevel(removed, "null", false, ""));
        assertThat(keys(4)).containsEntry("tokenizer.ggml.pre", GgufValue.text("gpt-4o"));
        assertThat(lost(4)).hasValueSatisfying(told -> assertThat(told).contains("ends words at marks"));

        // The words themselves would be lost.
        write("tokenizer.json", byteLevel(removed.replace("true}, ", "false}, "), "null", false, ""));
        assertThatThrownBy(() -> keys(4)).hasMessageContaining("unknown way to split text");
    }

    @Test
    void anUnknownSplittingIsRefusedWithItsJson() throws Exception {
        write("tokenizer.json", byteLevel(sequence("[a-z]+"), "null", false, ""));

        assertThatThrownBy(() -> keys(4))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("unknown way to split text")
                .hasMessageContaining("[a-z]+");
    }

    /** llama.cpp passes over a key of another name; "seperator" is its own spelling. */
    @Test
    void tokensWithARoleHaveTheKeysThatLlamaCppReads() throws Exception {
        write("tokenizer.json", plainByteLevel());
        write("tokenizer_config.json", """
                {"bos_token": "<|end|>", "eos_token": "<|end|>", "unk_token": "<|end|>", "sep_token": "<|end|>",
                 "pad_token": "<|end|>"}
                """);

        Map<String, GgufValue> keys = keys(4);

        for (String role : List.of("bos", "eos", "unknown", "seperator", "padding")) {
            assertThat(keys).containsEntry("tokenizer.ggml." + role + "_token_id", GgufValue.u32(3));
        }
    }

    @Test
    void ofSeveralEndsThatOfATurnIsKnownByItsText() throws Exception {
        write("tokenizer.json", plainByteLevel());
        write("tokenizer_config.json", "{\"add_bos_token\": false}");
        write("generation_config.json", "{\"eos_token_id\": [2, 1, 3]}");

        assertThat(keys(4))
                .containsEntry("tokenizer.ggml.eos_token_id", GgufValue.u32(2))
                .containsEntry("tokenizer.ggml.eot_token_id", GgufValue.u32(3))
                .containsEntry("tokenizer.ggml.add_bos_token", new GgufValue.Flag(false));

        write("generation_config.json", "{\"eos_token_id\": [2, 1]}");
        assertThat(keys(4)).containsEntry("tokenizer.ggml.eot_token_id", GgufValue.u32(1));
    }

    @Test
    void anEndOfTextThatEndsTurnsAsWellHasNoOtherBesideIt() throws Exception {
        write("tokenizer.json", plainByteLevel());
        write("tokenizer_config.json", "{\"eos_token\": {\"content\": \"<|end|>\"}}");
        write("generation_config.json", "{\"eos_token_id\": [3, 2]}");

        assertThat(keys(4))
                .containsEntry("tokenizer.ggml.eos_token_id", GgufValue.u32(3))
                .doesNotContainKey("tokenizer.ggml.eot_token_id");
    }

    /** 2^32 + 1 cut off to 32 bits would be 1. */
    @Test
    void anEndBeyondAnyIdIsNone() throws Exception {
        write("tokenizer.json", plainByteLevel());
        write("generation_config.json", "{\"eos_token_id\": [4294967297, 2]}");

        assertThat(keys(4))
                .containsEntry("tokenizer.ggml.eos_token_id", GgufValue.u32(2))
                .doesNotContainKey("tokenizer.ggml.eot_token_id");
    }

    /** As transformers 4 and llama.cpp's converter have it. */
    @ParameterizedTest
    @CsvSource({
        "PreTrainedTokenizerFast, false, true",
        "PreTrainedTokenizerFast, none, true",
        "TokenizersBackend, false, true",
        "Qwen2Tokenizer, false, true",
        "GPT2TokenizerFast, false, true",
        "LlamaTokenizer, false, false",
        "LlamaTokenizer, none, true",
        "LlamaTokenizerFast, false, false",
        "CodeLlamaTokenizerFast, false, false",
        "GemmaTokenizer, false, false",
        "none, false, false"
    })
    void theTemplateStandsAgainstTheFlagUnlessTheClassGoesByTheFlag(String named, String flag, boolean begins)
            throws Exception {
        String settings = "{\"bos_token\": \"<|end|>\""
                + (named.equals("none") ? "" : ", \"tokenizer_class\": \"" + named + "\"")
                + (flag.equals("none") ? "" : ", \"add_bos_token\": " + flag);

        write("tokenizer.json", byteLevel(BYTE_LEVEL.formatted("true"), "null", false, "<|end|>"));
        write("tokenizer_config.json", settings + "}");

        assertThat(keys(4)).containsEntry("tokenizer.ggml.add_bos_token", new GgufValue.Flag(begins));
    }

    @Test
    void aFlagStandsWhereThereIsNoTemplate() throws Exception {
        String bare = plainByteLevel();
        write(
                "tokenizer_config.json",
                "{\"bos_token\": \"<|end|>\", \"add_bos_token\": true, \"tokenizer_class\": \"Qwen2Tokenizer\"}");

        write("tokenizer.json", bare);
        assertThat(keys(4)).containsEntry("tokenizer.ggml.add_bos_token", new GgufValue.Flag(false));
        write("tokenizer.json", bare.replace("TemplateProcessing", "ByteLevel"));
        assertThat(keys(4)).containsEntry("tokenizer.ggml.add_bos_token", new GgufValue.Flag(true));
    }

    @Test
    void aFirstTokenWhoseTextIsNotStatedIsKnownByItsId() throws Exception {
        write("tokenizer.json", byteLevel(BYTE_LEVEL.formatted("true"), "null", false, "<|end|>"));

        assertThat(keys(4, 3))
                .containsEntry("tokenizer.ggml.bos_token_id", GgufValue.u32(3))
                .containsEntry("tokenizer.ggml.add_bos_token", new GgufValue.Flag(true));
        assertThat(keys(4, 2)).containsEntry("tokenizer.ggml.add_bos_token", new GgufValue.Flag(false));
        assertThat(keys(4)).containsEntry("tokenizer.ggml.add_bos_token", new GgufValue.Flag(false));
    }

    @Test
    void aChatTemplateIsFoundWhereverItIsKept() throws Exception {
        write("tokenizer.json", plainByteLevel());
        write("chat_template.json", "{\"chat_template\": \"of a processor\"}");
        assertThat(keys(4)).containsEntry("tokenizer.chat_template", GgufValue.text("of a processor"));

        write("tokenizer_config.json", "{\"chat_template\": [{\"name\": \"default\", \"template\": \"x\"}]}");
        assertThat(keys(4)).containsEntry("tokenizer.chat_template", GgufValue.text("x"));

        write("chat_template.jinja", "{{ messages }}");
        assertThat(keys(4)).containsEntry("tokenizer.chat_template", GgufValue.text("{{ messages }}"));
    }

    @Test
    void aTemplateInItsOwnFilePutsAsideThoseOfTheSettings() throws Exception {
        write("tokenizer.json", plainByteLevel());
        write("chat_template.jinja", "{{ messages }}");
        write("tokenizer_config.json", """
                {"chat_template": [{"name": "default", "template": "x"}, {"name": "tool_use", "template": "y"}]}
                """);

        assertThat(keys(4))
                .containsEntry("tokenizer.chat_template", GgufValue.text("{{ messages }}"))
                .doesNotContainKeys("tokenizer.chat_template.tool_use", "tokenizer.chat_templates");
    }

    @Test
    void chatTemplatesForOtherPurposesHaveKeysOfTheirOwn() throws Exception {
        write("tokenizer.json", plainByteLevel());
        write("chat_template.jinja", "{{ messages }}");
        Path others = Files.createDirectory(folder.resolve("additional_chat_templates"));
        Files.writeString(others.resolve("tool-use.jinja"), "{{ tools[:] }}");
        Files.writeString(others.resolve("rag.jinja"), "{{ documents }}");
        Files.writeString(others.resolve("notes.txt"), "none of them");

        Map<String, GgufValue> keys = keys(4);

        assertThat(keys)
                .containsEntry("tokenizer.chat_template", GgufValue.text("{{ messages }}"))
                .containsEntry("tokenizer.chat_template.rag", GgufValue.text("{{ documents }}"))
                .containsEntry("tokenizer.chat_template.tool_use", GgufValue.text("{{ tools }}"))
                .containsEntry("tokenizer.chat_templates", GgufValue.texts(List.of("rag", "tool_use")));
        assertThat(keys.keySet()).noneMatch(key -> key.endsWith("notes"));

        Files.delete(folder.resolve("chat_template.jinja"));
        Files.delete(others.resolve("tool-use.jinja"));
        Files.delete(others.resolve("rag.jinja"));
        write(
                "tokenizer_config.json",
                "{\"chat_template\": [{\"name\": \"rag\", \"template\": \"y\"}, {\"name\": \"default\", \"template\": \"x\"}]}");
        assertThat(keys(4))
                .containsEntry("tokenizer.chat_template", GgufValue.text("x"))
                .containsEntry("tokenizer.chat_template.rag", GgufValue.text("y"))
                .containsEntry("tokenizer.chat_templates", GgufValue.texts(List.of("rag")));
    }

    @Test
    void chatTemplatesBeyondReasonAreRefused(@TempDir Path outside) throws Exception {
        write("tokenizer.json", plainByteLevel());
        Path others = Files.createDirectory(folder.resolve("additional_chat_templates"));

        Path alike = Files.writeString(others.resolve("a-b.jinja"), "x");
        Files.writeString(others.resolve("a_b.jinja"), "y");
        assertThatThrownBy(() -> keys(4)).hasMessageContaining("two templates are named 'a_b' in GGUF");
        Files.delete(alike);

        Path longName = Files.writeString(others.resolve("n".repeat(65) + ".jinja"), "x");
        assertThatThrownBy(() -> keys(4)).hasMessageContaining("has 65 characters, expected at most 64");
        Files.delete(longName);

        Path large = Files.write(others.resolve("large.jinja"), new byte[(1 << 20) + 1]);
        assertThatThrownBy(() -> keys(4))
                .hasMessage("additional_chat_templates/large.jinja: expected at most 1048576 bytes");
        Files.write(large, new byte[] {(byte) 0xff});
        assertThatThrownBy(() -> keys(4))
                .hasMessage("additional_chat_templates/large.jinja: is no UTF-8, expected a text");
        Files.delete(large);
        Files.createSymbolicLink(large, Files.writeString(outside.resolve("file"), "x"));
        assertThatThrownBy(() -> keys(4)).hasMessageContaining("leads outside its folder");
        Files.delete(large);

        for (int i = 0; i < 64; i++) {
            Files.writeString(others.resolve("t" + i + ".jinja"), "x");
        }
        assertThatThrownBy(() -> keys(4)).hasMessage("additional_chat_templates: expected at most 64 chat templates");
    }

    @Test
    void aWholeSliceInATemplateIsTheListItself() throws Exception {
        write("tokenizer.json", plainByteLevel());
        write("chat_template.jinja", "{% for m in messages[:] %}{{ m[1:] }}{% endfor %}");

        assertThat(keys(4))
                .containsEntry(
                        "tokenizer.chat_template", GgufValue.text("{% for m in messages %}{{ m[1:] }}{% endfor %}"));
    }

    private static String sequence(String words) {
        return "{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"Regex\": \"" + words
                + "\"}, \"behavior\": \"Isolated\", \"invert\": false}, " + BYTE_LEVEL.formatted("false") + "]}";
    }
}
