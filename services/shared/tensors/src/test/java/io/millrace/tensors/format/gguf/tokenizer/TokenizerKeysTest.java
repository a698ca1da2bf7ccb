package io.millrace.tensors.format.gguf.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.checkpoint.TinyModels;
import io.millrace.tensors.format.gguf.GgufValue;
import io.millrace.tensors.json.StrictJson;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokenizerKeysTest {
    private static final String BYTE_LEVEL =
            "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": %s}";
    private static final String LLAMA_3_WORDS =
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}"
                    + "| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+";

    @TempDir
    Path folder;

    @Test
    void plainByteLevelIsGpt2AndRowsWithoutATokenArePadded() throws Exception {
        write("tokenizer.json", byteLevel(BYTE_LEVEL.formatted("true"), "null", false, ""));

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

    @Test
    void aTokenBeyondTheEmbeddingIsRefused() throws Exception {
        write("tokenizer.json", byteLevel(BYTE_LEVEL.formatted("true"), "null", false, ""));

        assertThatThrownBy(() -> keys(3))
                .hasMessage("tokenizer.json: token '<|end|>' has id 3, but the embedding has 3 rows");
    }

    @Test
    void ofSeveralEndsThatOfATurnIsKnownByItsText() throws Exception {
        write("tokenizer.json", byteLevel(BYTE_LEVEL.formatted("true"), "null", false, ""));
        write("tokenizer_config.json", "{\"add_bos_token\": false}");
        write("generation_config.json", "{\"eos_token_id\": [2, 1, 3]}");

        assertThat(keys(4))
                .containsEntry("tokenizer.ggml.eos_token_id", GgufValue.u32(2))
                .containsEntry("tokenizer.ggml.eot_token_id", GgufValue.u32(3))
                .containsEntry("tokenizer.ggml.add_bos_token", new GgufValue.Flag(false));

        write("generation_config.json", "{\"eos_token_id\": [2, 1]}");
        assertThat(keys(4)).containsEntry("tokenizer.ggml.eot_token_id", GgufValue.u32(1));
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
        String bare = byteLevel(BYTE_LEVEL.formatted("true"), "null", false, "");
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
    void anEndOfTextThatEndsTurnsAsWellHasNoOtherBesideIt() throws Exception {
        write("tokenizer.json", byteLevel(BYTE_LEVEL.formatted("true"), "null", false, ""));
        write("tokenizer_config.json", "{\"eos_token\": {\"content\": \"<|end|>\"}}");
        write("generation_config.json", "{\"eos_token_id\": [3, 2]}");

        assertThat(keys(4))
                .containsEntry("tokenizer.ggml.eos_token_id", GgufValue.u32(3))
                .doesNotContainKey("tokenizer.ggml.eot_token_id");
    }

    @Test
    void aChatTemplateIsFoundWhereverItIsKept() throws Exception {
        write("tokenizer.json", byteLevel(BYTE_LEVEL.formatted("true"), "null", false, ""));
        write("chat_template.json", "{\"chat_template\": \"of a processor\"}");
        assertThat(keys(4)).containsEntry("tokenizer.chat_template", GgufValue.text("of a processor"));

        write("tokenizer_config.json", "{\"chat_template\": [{\"name\": \"default\", \"template\": \"x\"}]}");
        assertThat(keys(4)).containsEntry("tokenizer.chat_template", GgufValue.text("x"));

        write("chat_template.jinja", "{{ messages }}");
        assertThat(keys(4)).containsEntry("tokenizer.chat_template", GgufValue.text("{{ messages }}"));
    }

    @Test
    void aTemplateInItsOwnFilePutsAsideThoseOfTheSettings() throws Exception {
        write("tokenizer.json", byteLevel(BYTE_LEVEL.formatted("true"), "null", false, ""));
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
        write("tokenizer.json", byteLevel(BYTE_LEVEL.formatted("true"), "null", false, ""));
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
        write("tokenizer.json", byteLevel(BYTE_LEVEL.formatted("true"), "null", false, ""));
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
    void aWholeSliceIsTheListItself() throws Exception {
        write("tokenizer.json", byteLevel(BYTE_LEVEL.formatted("true"), "null", false, ""));
        write("chat_template.jinja", "{% for m in messages[:] %}{{ m[1:] }}{% endfor %}");

        assertThat(keys(4))
                .containsEntry(
                        "tokenizer.chat_template", GgufValue.text("{% for m in messages %}{{ m[1:] }}{% endfor %}"));
    }

    @Test
    void aVocabularyAfterItsMergesRanksAsOneBeforeThem() throws Exception {
        String model = """
                {"normalizer": null, "pre_tokenizer": null, "model": {"type": "BPE", "byte_fallback": true, %s}}
                """;
        String merges = "\"merges\": [[\"b\", \"c\"], \"a bc\", [\"a\", \"b\"], [\"ab\", \"c\"]]";
        String vocabulary = "\"vocab\": {\"abc\": 4, \"a\": 0, \"bc\": 3, \"b\": 1, \"c\": 2, \"ab\": 5}";

        write("tokenizer.json", model.formatted(vocabulary + ", " + merges));
        Map<String, GgufValue> keys = keys(6);
        write("tokenizer.json", model.formatted(merges + ", " + vocabulary));

        assertThat(keys)
                .containsEntry("tokenizer.ggml.tokens", GgufValue.texts(List.of("a", "b", "c", "bc", "abc", "ab")))
                .containsEntry("tokenizer.ggml.scores", GgufValue.f32s(List.of(-3f, -3f, -3f, 0f, -1f, -2f)));
        assertThat(keys(6)).isEqualTo(keys);
    }

    @Test
    void whatIsWrongInAVocabularyIsNamed() throws Exception {
        String json = byteLevel(BYTE_LEVEL.formatted("true"), "null", false, "");

        assertThatThrownBy(() -> keys(4))
                .hasMessage(
                        "tokenizer.json: missing, and so is tokenizer.model; publish the checkpoint with its tokenizer");
        write("tokenizer.json", "{}");
        assertThatThrownBy(() -> keys(4))
                .hasMessage("tokenizer.json: is an empty object, expected a tokenizer, and tokenizer.model is missing;"
                        + " publish the checkpoint with its tokenizer");
        write("tokenizer.json", json.replace("\"b\": 1", "\"b\": -1"));
        assertThatThrownBy(() -> keys(4)).hasMessage("tokenizer.json: token 'b' has id -1, expected a number");
        write("tokenizer.json", json.replace("\"a b\"", "[\"a\"]"));
        assertThatThrownBy(() -> keys(4))
                .hasMessage("tokenizer.json: merge [\"a\"], expected \"left right\" or a pair");
        write("tokenizer.json", json.replace("\"b\": 1", "\"b\": 0"));
        assertThatThrownBy(() -> keys(4))
                .hasMessage("tokenizer.json: tokens 'a' and 'b' both have id 0, expected one token per id");
        write("tokenizer.json", json.replaceAll("(\"vocab\" ?: )\\{[^}]*}", "$1{}"));
        assertThatThrownBy(() -> keys(4)).hasMessageContaining("the vocabulary is empty");
        write("tokenizer.json", json.replace("\"id\": 3", "\"id\": 4294967297"));
        assertThatThrownBy(() -> keys(4)).hasMessageContaining("expected an id and a content");
        write("tokenizer.json", json.replace("\"b\": 1", "\"a\": 1"));
        assertThatThrownBy(() -> keys(4))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("Duplicate field 'a'");
        write("tokenizer.json", json + "{}");
        assertThatThrownBy(() -> keys(4))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("something follows it");
        write("tokenizer.json", json.substring(0, json.length() / 2));
        assertThatThrownBy(() -> keys(4)).isInstanceOf(MalformedFileException.class);
    }

    /** As strict as the tokenizers library, which opens no such file. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "a c | merge 'a c' needs the token 'c', which the vocabulary lacks",
                "b a | merge 'b a' needs the token 'ba', which the vocabulary lacks",
                "ab | merge 'ab', expected \"left right\" with one space",
                "a b c | merge 'a b c', expected \"left right\" with one space",
            })
    void aMergeOfWhatIsNoTokenIsRefused(String merge, String message) throws Exception {
        String json = byteLevel(BYTE_LEVEL.formatted("true"), "null", false, "");

        write("tokenizer.json", json.replace("\"a b\"", "\"" + merge + "\""));

        assertThatThrownBy(() -> keys(4)).hasMessage("tokenizer.json: " + message);
    }

    @Test
    void theFirstLineOfAnOlderMergesFileIsNoMerge() throws Exception {
        String json = byteLevel(BYTE_LEVEL.formatted("true"), "null", false, "");

        write("tokenizer.json", json.replace("\"a b\"", "\"#version: 0.2\", \"a b\""));

        assertThat(keys(4)).containsEntry("tokenizer.ggml.merges", GgufValue.texts(List.of("a b")));
    }

    @Test
    void aPartOfAPairMayHoldASpace() throws Exception {
        String json = byteLevel(BYTE_LEVEL.formatted("true"), "null", false, "");

        write(
                "tokenizer.json",
                json.replace("\"a b\"", "[\"a\", \" b\"]")
                        .replace("\"b\":", "\" b\":")
                        .replace("\"ab\":", "\"a b\":"));

        assertThat(keys(4)).containsEntry("tokenizer.ggml.merges", GgufValue.texts(List.of("a \u0120b")));
    }

    /** 2^32 + 1 cut off to 32 bits would be 1. */
    @Test
    void anEndBeyondAnyIdIsNone() throws Exception {
        write("tokenizer.json", byteLevel(BYTE_LEVEL.formatted("true"), "null", false, ""));
        write("generation_config.json", "{\"eos_token_id\": [4294967297, 2]}");

        assertThat(keys(4))
                .containsEntry("tokenizer.ggml.eos_token_id", GgufValue.u32(2))
                .doesNotContainKey("tokenizer.ggml.eot_token_id");
    }

    @Test
    void sentencePieceKeepsScoresAndKinds() throws Exception {
        Files.write(folder.resolve("tokenizer.model"), sentencePiece(2));

        assertThat(keys(4))
                .containsEntry("tokenizer.ggml.model", GgufValue.text("llama"))
                .containsEntry("tokenizer.ggml.pre", GgufValue.text("default"))
                .containsEntry("tokenizer.ggml.tokens", GgufValue.texts(List.of("<unk>", "\u2581a", "b", "[PAD3]")))
                .containsEntry("tokenizer.ggml.scores", GgufValue.f32s(List.of(0f, -1.5f, -2f, -10000f)))
                .containsEntry("tokenizer.ggml.token_type", GgufValue.i32s(List.of(2, 1, 1, 5)));
    }

    @Test
    void aUnigramModelIsRefusedBecauseItSplitsElsewhere() throws Exception {
        Files.write(folder.resolve("tokenizer.model"), sentencePiece(1));

        assertThatThrownBy(() -> keys(4))
                .hasMessage(
                        "tokenizer.model: the tokenizer's algorithm is 1, expected 2 (BPE): GGUF's reader would split"
                                + " words in other places; quantize this model to compressed-tensors, which keeps its tokenizer");
    }

    @Test
    void marksThatEndWordsAreRefused() throws Exception {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        piece(file, "a\u2581", -1.5f, 1);
        file.writeBytes(new byte[] {2 << 3 | 2, 5, 3 << 3, 2, (byte) 0xc0, 1, 1});
        Files.write(folder.resolve("tokenizer.model"), file.toByteArray());

        assertThatThrownBy(() -> keys(4))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("its marks of spaces end words ('treat_whitespace_as_suffix')");
    }

    /** Mistral's newer models come with it alone, Llama 3 of Meta's own folder with the other. */
    @Test
    void formsOfOtherLibrariesAreNamed() throws Exception {
        write("tekken.json", "{}");

        assertThatThrownBy(() -> keys(4))
                .hasMessage("tokenizer.json: missing, found tekken.json; make it with transformers and mistral-common:"
                        + " PreTrainedTokenizerFast.from_pretrained(folder).save_pretrained(folder)");
        write("tokenizer.model", "IQ== 0\nIg== 1\n");
        assertThatThrownBy(() -> keys(4))
                .hasMessage("tokenizer.model: is a list of tiktoken, which names no special tokens, expected one of"
                        + " SentencePiece; put the model's tokenizer.json in its place");
    }

    @Test
    void everyTruncationOfASentencePieceFileIsRefused() throws Exception {
        byte[] whole = sentencePiece(2);
        for (int length = 0; length < whole.length; length++) {
            Files.write(folder.resolve("tokenizer.model"), java.util.Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> keys(4)).as("%d bytes", length).isInstanceOf(MalformedFileException.class);
        }
    }

    @Test
    void withoutSentencePieceTheOrderOfMergesGivesTheScores() throws Exception {
        write("tokenizer.json", """
                {"added_tokens": [{"id": 0, "content": "<unk>", "special": true}], "pre_tokenizer": null,
                 "model": {"type": "BPE", "byte_fallback": true, "unk_token": "<unk>",
                  "vocab": {"<unk>": 0, "<0x0A>": 1, "a": 2, "b": 3, "ab": 4, "abb": 5},
                  "merges": [["a", "b"], ["ab", "b"]]}}
                """);

        assertThat(keys(6))
                .containsEntry("tokenizer.ggml.model", GgufValue.text("llama"))
                .containsEntry("tokenizer.ggml.scores", GgufValue.f32s(List.of(0f, 0f, -2f, -2f, 0f, -1f)))
                .containsEntry("tokenizer.ggml.token_type", GgufValue.i32s(List.of(2, 6, 1, 1, 1, 1)));
    }

    @Test
    void gemmaPutsNoSpaceInFrontAndItsAddedTokensHaveTheirKinds() throws Exception {
        write("tokenizer.json", """
                {"added_tokens": [{"id": 0, "content": "<pad>", "special": false},
                  {"id": 1, "content": "<unused7>", "special": false}, {"id": 2, "content": "<table>", "special": false}],
                 "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"},
                 "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious"},
                 "model": {"type": "BPE", "byte_fallback": true, "unk_token": "<unk>",
                  "vocab": {"<pad>": 0, "<unused7>": 1, "<table>": 2, "<unk>": 3, "a": 4}, "merges": []}}
                """);

        assertThat(keys(5))
                .containsEntry("tokenizer.ggml.model", GgufValue.text("llama"))
                .containsEntry("tokenizer.ggml.pre", GgufValue.text("default"))
                .containsEntry("tokenizer.ggml.add_space_prefix", new GgufValue.Flag(false))
                .containsEntry("tokenizer.ggml.token_type", GgufValue.i32s(List.of(3, 3, 4, 2, 1)));
    }

    /** transformers makes the tokenizer of Llama's classes anew by the flag, and with any other takes tokenizer.json. */
    @ParameterizedTest
    @CsvSource({
        "LlamaTokenizer, false, false",
        "LlamaTokenizerFast, true, true",
        "PreTrainedTokenizerFast, false, true",
        "TokenizersBackend, false, true",
        "TokenizersBackend, true, true",
        "'', false, false"
    })
    void whetherASpaceIsPutInFrontIsSaidByTheFlagInLlamasClassesAlone(String name, boolean flag, boolean prefix)
            throws Exception {
        write("tokenizer.json", """
                {"normalizer": {"type": "Prepend", "prepend": "\u2581"}, "pre_tokenizer": null,
                 "model": {"type": "BPE", "byte_fallback": true, "unk_token": "<unk>",
                  "vocab": {"<unk>": 0, "a": 1}, "merges": []}}
                """);
        write("tokenizer_config.json", "{\"add_prefix_space\": %s, \"tokenizer_class\": \"%s\"}".formatted(flag, name));

        assertThat(keys(2)).containsEntry("tokenizer.ggml.add_space_prefix", new GgufValue.Flag(prefix));
    }

    /** Gemma's pieces call it user-defined, and then a user's text could end a turn. */
    @Test
    void aPieceThatAnAddedTokenCallsSpecialIsControl() throws Exception {
        ByteArrayOutputStream pieces = new ByteArrayOutputStream();
        piece(pieces, "<unk>", 0f, 2);
        piece(pieces, "<start_of_turn>", 0f, 4);
        piece(pieces, "\u2581\u2581", 0f, 4);
        pieces.writeBytes(new byte[] {2 << 3 | 2, 2, 3 << 3, 2});
        Files.write(folder.resolve("tokenizer.model"), pieces.toByteArray());
        write("tokenizer.json", """
                {"added_tokens": [{"id": 1, "content": "<start_of_turn>", "special": true}], "pre_tokenizer": null,
                 "model": {"type": "BPE", "byte_fallback": true, "unk_token": "<unk>",
                  "vocab": {"<unk>": 0, "<start_of_turn>": 1, "\u2581\u2581": 2}, "merges": []}}
                """);

        assertThat(keys(3)).containsEntry("tokenizer.ggml.token_type", GgufValue.i32s(List.of(2, 3, 4)));
    }

    @Test
    void anAddedTokenOfSentencePieceWithoutARowIsLeftOut() throws Exception {
        write("tokenizer.json", """
                {"added_tokens": [{"id": 2, "content": "<image_soft_token>", "special": true}], "pre_tokenizer": null,
                 "model": {"type": "BPE", "byte_fallback": true, "unk_token": "<unk>",
                  "vocab": {"<unk>": 0, "a": 1}, "merges": []}}
                """);

        assertThat(keys(2)).containsEntry("tokenizer.ggml.tokens", GgufValue.texts(List.of("<unk>", "a")));
    }

    @Test
    void aNormalizerThatSentencePieceDoesNotHaveIsRefused() throws Exception {
        write("tokenizer.json", """
                {"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKC"}]}, "pre_tokenizer": null,
                 "model": {"type": "BPE", "byte_fallback": true, "vocab": {"a": 0}, "merges": []}}
                """);

        assertThatThrownBy(() -> keys(1))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("NFKC")
                .hasMessageContaining("expected Prepend and Replace");
    }

    private Map<String, GgufValue> keys(int rows) throws IOException {
        ObjectNode config = TinyModels.llama().put("vocab_size", rows);
        return TokenizerKeys.of(folder, ModelConfig.of(config, "config.json")).keys();
    }

    private Optional<String> lost(int rows) throws IOException {
        ObjectNode config = TinyModels.llama().put("vocab_size", rows);
        TokenizerKeys.Written written = TokenizerKeys.of(folder, ModelConfig.of(config, "config.json"));
        return written.lost().in(written.keys());
    }

    private Map<String, GgufValue> keys(int rows, int begin) throws IOException {
        ObjectNode config = TinyModels.llama().put("vocab_size", rows).put("bos_token_id", begin);
        return TokenizerKeys.of(folder, ModelConfig.of(config, "config.json")).keys();
    }

    /** Both are what its trainer does unless told otherwise. */
    @Test
    void howSentencePiecePreparesATextIsToldWhereNothingElseSaysIt() throws Exception {
        Files.write(folder.resolve("tokenizer.model"), prepared(new byte[] {2 << 3 | 2, 1, 0}));
        assertThat(lost())
                .hasValueSatisfying(note -> assertThat(note)
                        .contains(
                                "does not bring a text into the form 'nfkc' first, keeps spaces at the ends of a text,"
                                        + " and each where several are (remove_extra_whitespaces)"));

        Files.write(folder.resolve("tokenizer.model"), prepared(new byte[] {4 << 3, 0}));
        assertThat(lost())
                .hasValueSatisfying(note ->
                        assertThat(note).doesNotContain("into the form").doesNotContain("remove_extra_whitespaces"));
        assertThat(keys(4)).doesNotContainKey("tokenizer.ggml.add_space_prefix");
    }

    /** Gemma's own file, without the tokenizer.json that transformers makes of it. */
    @Test
    void noSpaceIsPutBeforeATextWhereSentencePiecePutsNone() throws Exception {
        Files.write(folder.resolve("tokenizer.model"), prepared(new byte[] {3 << 3, 0, 4 << 3, 0}));

        assertThat(keys(4)).containsEntry("tokenizer.ggml.add_space_prefix", new GgufValue.Flag(false));
    }

    /** How a text is prepared: the name of its form, then other fields. */
    private static byte[] prepared(byte[] fields) {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        file.writeBytes(sentencePiece(2));
        file.write(3 << 3 | 2);
        file.write(6 + fields.length);
        file.writeBytes(new byte[] {1 << 3 | 2, 4, 'n', 'f', 'k', 'c'});
        file.writeBytes(fields);
        return file.toByteArray();
    }

    @Test
    void theSpaceAfterAPieceThatTheUserDefinedIsTold() throws Exception {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        piece(file, "[X]", 0f, 4);
        file.writeBytes(sentencePiece(2));
        Files.write(folder.resolve("tokenizer.model"), file.toByteArray());

        assertThat(lost())
                .hasValueSatisfying(note -> assertThat(note)
                        .contains("puts a space after '[X]', and none before a text that begins so (user-defined)"));
        write("tokenizer_config.json", "{\"add_prefix_space\": false}");
        assertThat(lost()).hasValueSatisfying(note -> assertThat(note).doesNotContain("user-defined"));
    }

    private Optional<String> lost() throws IOException {
        ObjectNode config = TinyModels.llama().put("vocab_size", 4);
        TokenizerKeys.Written written = TokenizerKeys.of(folder, ModelConfig.of(config, "config.json"));
        return written.lost().in(written.keys());
    }

    @Test
    void aMarkOfAnotherCharacterIsRefused() throws Exception {
        write("tokenizer.json", """
                {"pre_tokenizer": {"type": "Metaspace", "replacement": "_", "prepend_scheme": "never"},
                 "model": {"type": "BPE", "byte_fallback": true, "vocab": {"a": 0}, "merges": []}}""");

        assertThatThrownBy(() -> keys(1))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("expected none or Metaspace with '\u2581'");
    }

    /** Java gives these four the same number, by which tokens are sorted before they are compared. */
    @Test
    void tokensThatOnlyShareANumberAreNotTakenForEqual() throws Exception {
        String text = """
                {"added_tokens": [{"id": 4, "content": "%s", "special": true}],
                 "model": {"type": "BPE", "byte_fallback": true, "merges": [],
                 "vocab": {"AaAa": 0, "BBBB": 1, "AaBB": 2, "BBAa": 3}}}""";

        write("tokenizer.json", text.formatted("c"));
        assertThat(keys(5)).isNotNull();
        write("tokenizer.json", text.formatted("BBAa"));
        assertThatThrownBy(() -> keys(5)).hasMessageContaining("tokens 3 and 4 are both 'BBAa' in GGUF");
    }

    /** llama.cpp would abort when it opens the file. */
    @Test
    void tokensThatBecomeEqualAreRefused() throws Exception {
        String text = byteLevel(BYTE_LEVEL.formatted("true"), "null", false, "");

        write("tokenizer.json", text.replace("<|end|>", "[PAD4]"));
        assertThatThrownBy(() -> keys(5))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("tokens 3 and 4 are both '[PAD4]' in GGUF, with which llama.cpp would not open");
        write("tokenizer.json", text.replace("<|end|>", "a\\u0000b"));
        assertThatThrownBy(() -> keys(4)).hasMessageContaining("tokens 0 and 3 are both 'a' in GGUF");
    }

    /** A byte-level tokenizer's text has spaces, and marks are characters like others. */
    @Test
    void anAddedTokenOfAByteLevelTokenizerKeepsItsText() throws Exception {
        String text = byteLevel(BYTE_LEVEL.formatted("true"), "null", false, "").replace("<|end|>", "\u2581the");
        write("tokenizer.json", text.replaceAll("\"special\"\\s*:\\s*true", "\"special\": false"));

        assertThat(keys(4))
                .containsEntry("tokenizer.ggml.tokens", GgufValue.texts(List.of("a", "b", "ab", "\u2581the")));
    }

    /** transformers goes by tokenizer.json where both are there. */
    @Test
    void aNormalizerThatGgufCannotSayIsRefusedBesideATokenizerModelToo() throws Exception {
        Files.write(folder.resolve("tokenizer.model"), sentencePiece(2));
        write("tokenizer.json", """
                {"normalizer": {"type": "NFKC"}, "model": {"type": "BPE", "byte_fallback": true, "vocab": {"<unk>": 0},
                 "merges": []}}""");

        assertThatThrownBy(() -> keys(4))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("beside byte_fallback, expected Prepend and Replace of word starts");
    }

    private void write(String name, String text) throws IOException {
        Files.writeString(folder.resolve(name), text);
    }

    private static String sequence(String words) {
        return "{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"Regex\": \"" + words
                + "\"}, \"behavior\": \"Isolated\", \"invert\": false}, " + BYTE_LEVEL.formatted("false") + "]}";
    }

    private static String byteLevel(String splitting, String normalizer, boolean wholeWords, String first) {
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

    /** Three pieces, then the algorithm: 2 is BPE. */
    private static byte[] sentencePiece(int algorithm) {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        piece(file, "<unk>", 0f, 2);
        piece(file, "\u2581a", -1.5f, 1);
        piece(file, "b", -2f, 1);
        file.writeBytes(new byte[] {2 << 3 | 2, 2, 3 << 3, (byte) algorithm});
        return file.toByteArray();
    }

    private static void piece(ByteArrayOutputStream file, String text, float score, int kind) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        file.write(1 << 3 | 2);
        file.write(utf8.length + 9);
        file.write(1 << 3 | 2);
        file.write(utf8.length);
        file.writeBytes(utf8);
        file.write(2 << 3 | 5);
        int bits = Float.floatToRawIntBits(score);
        for (int i = 0; i < 4; i++) {
            file.write(bits >> (8 * i));
        }
        file.write(3 << 3);
        file.write(kind);
    }
}
