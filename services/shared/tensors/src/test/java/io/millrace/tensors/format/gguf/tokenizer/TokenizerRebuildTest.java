package io.millrace.tensors.format.gguf.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.checkpoint.TinyModels;
import io.millrace.tensors.format.gguf.GgufHeader;
import io.millrace.tensors.format.gguf.GgufValue;
import io.millrace.tensors.format.gguf.tokenizer.Vocabulary.Kind;
import io.millrace.tensors.format.gguf.tokenizer.Vocabulary.Token;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
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
        Map<String, GgufValue> keys = keys(splitting);
        if (!key.equals("none")) {
            keys.put(PREFIX + "add_bos_token", new GgufValue.Flag(Boolean.parseBoolean(key)));
        }

        assertThat(rebuild(keys).write(folder)).isTrue();

        String tokenizer = Files.readString(folder.resolve("tokenizer.json"));
        assertThat(tokenizer.contains("TemplateProcessing")).isEqualTo(begins);
    }

    @Test
    void chatTemplatesForOtherPurposesStandBesideTheDefault() throws Exception {
        Map<String, GgufValue> keys = keys("qwen2");
        keys.put("tokenizer.chat_template", GgufValue.text("x"));
        assertThat(rebuild(keys).write(folder)).isTrue();
        assertThat(setting()).isEqualTo(TextNode.valueOf("x"));

        keys.put("tokenizer.chat_template.rag", GgufValue.text("y"));
        keys.put("tokenizer.chat_templates", GgufValue.texts(List.of("rag", "lost")));
        assertThat(rebuild(keys).write(folder)).isTrue();
        assertThat(setting()).hasToString("""
                [{"name":"default","template":"x"},{"name":"rag","template":"y"}]""");
        // And as a checkpoint again.
        assertThat(ChatTemplates.of(TokenizerFiles.in(folder))).isEqualTo(ChatTemplates.of(keys));
    }

    @Test
    void aSingleChatTemplateOfAnotherNameIsNotTheDefault() throws Exception {
        Map<String, GgufValue> keys = keys("qwen2");
        keys.put("tokenizer.chat_template.rag", GgufValue.text("y"));
        keys.put("tokenizer.chat_templates", GgufValue.texts(List.of("rag")));

        assertThat(rebuild(keys).write(folder)).isTrue();

        assertThat(setting()).hasToString("""
                [{"name":"rag","template":"y"}]""");
        assertThat(ChatTemplates.of(TokenizerFiles.in(folder))).isEqualTo(ChatTemplates.of(keys));
    }

    @Test
    void aConfigThatNamesNoPaddingIsToldTheFilesOwnOrThatThereIsNone() {
        Map<String, GgufValue> keys = keys("qwen2");
        ObjectNode config = StrictJson.object();
        rebuild(keys).addIds(config);
        assertThat(config.get("pad_token_id")).isEqualTo(NullNode.getInstance());
        assertThat(config.path("bos_token_id").asInt()).isEqualTo(2);

        keys.put(PREFIX + "padding_token_id", GgufValue.u32(1));
        ObjectNode padded = StrictJson.object();
        rebuild(keys).addIds(padded);
        assertThat(padded.path("pad_token_id").asInt(-1)).isEqualTo(1);

        ObjectNode stated = StrictJson.object().put("pad_token_id", 0);
        rebuild(keys).addIds(stated);
        assertThat(stated.path("pad_token_id").asInt(-1)).isEqualTo(0);
    }

    /** The library gives a token that is no part of the vocabulary the next id after it; SmolLM's special ones come first. */
    @Test
    void tokensThatWereAddedFirstKeepTheirIds() throws Exception {
        Map<String, GgufValue> keys = keys("smollm");
        keys.put(PREFIX + "tokens", GgufValue.texts(List.of("<begin>", "a", "b", "<call>", "[PAD4]")));
        keys.put(PREFIX + "token_type", GgufValue.i32s(List.of(3, 1, 1, 4, 5)));

        assertThat(rebuild(keys).write(folder)).isTrue();

        assertThat(tokenizer().at("/model/vocab")).hasToString("{\"<begin>\":0,\"a\":1,\"b\":2,\"<call>\":3}");
    }

    /** Gemma's tokenizer.model has a piece for each run of spaces; a text has the spaces before they become marks. */
    @Test
    void piecesThatTheUserDefinedAreMergedAsLlamaCppDoes() throws Exception {
        Map<String, GgufValue> keys = pieces("Gemma", List.of("<unk>", "\u2581", "\u2581\u2581", "a", "\u2581a"));
        keys.put(PREFIX + "token_type", GgufValue.i32s(List.of(2, 1, 4, 1, 3)));

        assertThat(rebuild(keys).write(folder)).isTrue();

        assertThat(tokenizer().at("/model/merges")).hasToString("[\"\u2581 \u2581\"]");
    }

    /** As llama.cpp's converter spells them: a merge of them would have several spaces, and no library would open the file. */
    @Test
    void runsOfSpacesThatAreSpelledWithSpacesAreMadeByNoMerge() throws Exception {
        Map<String, GgufValue> keys = pieces("Gemma", List.of("<unk>", "\u2581", "  ", "    ", "\u2581\u2581"));
        keys.put(PREFIX + "token_type", GgufValue.i32s(List.of(2, 1, 4, 4, 1)));

        assertThat(rebuild(keys).write(folder)).isTrue();

        assertThat(tokenizer().at("/model/merges")).hasToString("[\"\u2581 \u2581\"]");
        assertThat(tokenizer().path("added_tokens"))
                .extracting(token -> token.path("content").asText())
                .containsExactly("<unk>", "  ", "    ");
        TokenizerJson.in(folder, 1 << 20).requireSound();
    }

    /** Ollama and llama.cpp's converter read the pieces; the converter takes those to look for from tokenizer_config.json. */
    @Test
    void piecesStandInATokenizerModelToo() throws Exception {
        Map<String, GgufValue> keys = pieces("Gemma", List.of("<unk>", "\u2581", "  ", "a", "<s>"));
        keys.put(PREFIX + "token_type", GgufValue.i32s(List.of(3, 1, 4, 1, 3)));
        keys.put(PREFIX + "unknown_token_id", GgufValue.u32(0));
        keys.put(PREFIX + "add_space_prefix", new GgufValue.Flag(false));

        assertThat(rebuild(keys).write(folder)).isTrue();

        SentencePieceFile.Content written = SentencePieceFile.read(folder.resolve("tokenizer.model"));
        assertThat(written.preparation().prefix()).isFalse();
        assertThat(written.pieces())
                .containsExactly(
                        new Token("<unk>", 0, Kind.UNKNOWN),
                        new Token("\u2581", -1, Kind.NORMAL),
                        new Token("\u2581\u2581", 0, Kind.USER_DEFINED),
                        new Token("a", -2, Kind.NORMAL),
                        new Token("<s>", -3, Kind.CONTROL));
        JsonNode decoder = StrictJson.readFile(folder.resolve("tokenizer_config.json"), 1 << 20)
                .path("added_tokens_decoder");
        assertThat(decoder.properties()).extracting(Map.Entry::getKey).containsExactly("0", "2", "4");
        assertThat(decoder.path("2")).hasToString("""
                {"content":"  ","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":false}""");
        // And as a checkpoint again, with the scores that the file had.
        ObjectNode config = TinyModels.llama().put("vocab_size", 5);
        Map<String, GgufValue> again =
                TokenizerKeys.of(folder, ModelConfig.of(config, "config.json")).keys();
        assertThat(again)
                .containsEntry(PREFIX + "tokens", keys.get(PREFIX + "tokens"))
                .containsEntry(PREFIX + "scores", GgufValue.f32s(List.of(0f, -1f, -1000f, -2f, -3f)))
                .containsEntry(PREFIX + "token_type", GgufValue.i32s(List.of(2, 1, 4, 1, 3)))
                .containsEntry(PREFIX + "add_space_prefix", new GgufValue.Flag(false));
    }

    @Test
    void aTokenizerOfBytesHasNoTokenizerModel() throws Exception {
        assertThat(rebuild(keys("qwen2")).write(folder)).isTrue();

        assertThat(folder.resolve("tokenizer.model")).doesNotExist();
        assertThat(Files.readString(folder.resolve("tokenizer_config.json"))).doesNotContain("added_tokens_decoder");
    }

    /** The class by which onnxruntime-genai knows how to merge; of another it leaves Indic letters apart. */
    @ParameterizedTest
    @CsvSource({"gemma3, GemmaTokenizer", "gemma2, GemmaTokenizer", "llama, PreTrainedTokenizerFast"})
    void theClassOfGemmasTokenizerIsNamed(String architecture, String name) throws Exception {
        Map<String, GgufValue> keys = pieces("a", List.of("<unk>", "\u2581", "a", "b", "c"));
        keys.put("general.architecture", GgufValue.text(architecture));
        keys.put(PREFIX + "token_type", GgufValue.i32s(List.of(2, 1, 1, 1, 1)));

        assertThat(rebuild(keys).write(folder)).isTrue();

        assertThat(StrictJson.readFile(folder.resolve("tokenizer_config.json"), 1 << 20)
                        .path("tokenizer_class")
                        .asText())
                .isEqualTo(name);
    }

    @ParameterizedTest
    @CsvSource({"Phi-3 mini, true", "phi3, true", "Phi 3, false", "Llama, false"})
    void theTokensOfPhi3SwallowTheSpacesAfterThemAsInLlamaCpp(String name, boolean swallow) throws Exception {
        Map<String, GgufValue> keys = pieces(name, List.of("<unk>", "<s>", "</s>", "<|endoftext|>", "<|user|>"));
        keys.put(PREFIX + "token_type", GgufValue.i32s(List.of(2, 3, 3, 3, 3)));

        assertThat(rebuild(keys).write(folder)).isTrue();

        JsonNode added = tokenizer().path("added_tokens");
        assertThat(added).hasSize(5);
        for (JsonNode token : added) {
            boolean swallows =
                    List.of("</s>", "<|user|>").contains(token.path("content").asText());
            assertThat(token.path("rstrip").asBoolean()).as("%s", token).isEqualTo(swallow && swallows);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "llama3, llama-bpe",
        "llama-v3, llama-bpe",
        "falcon3, llama-bpe",
        "refact, smollm",
        "starcoder, smollm",
        "minerva-7b, smollm"
    })
    void aSplittingHasTheSameTokenizerUnderEachOfItsNames(String name, String known) throws Exception {
        assertThat(rebuild(keys(known)).write(folder)).isTrue();
        JsonNode expected = tokenizer();

        assertThat(rebuild(keys(name)).write(folder)).isTrue();

        assertThat(tokenizer()).isEqualTo(expected);
    }

    private JsonNode tokenizer() throws IOException {
        return StrictJson.readFile(folder.resolve("tokenizer.json"), 1 << 20);
    }

    private static Map<String, GgufValue> pieces(String name, List<String> texts) {
        Map<String, GgufValue> keys = new LinkedHashMap<>();
        keys.put("general.name", GgufValue.text(name));
        keys.put(PREFIX + "model", GgufValue.text("llama"));
        keys.put(PREFIX + "tokens", GgufValue.texts(texts));
        keys.put(PREFIX + "scores", GgufValue.f32s(List.of(0f, -1f, 0f, -2f, -3f)));
        return keys;
    }

    private JsonNode setting() throws IOException {
        return StrictJson.readFile(folder.resolve("tokenizer_config.json"), 1 << 20)
                .path("chat_template");
    }

    private static TokenizerRebuild rebuild(Map<String, GgufValue> keys) {
        return TokenizerRebuild.of(new GgufHeader(keys, List.of(), 32));
    }

    private static Map<String, GgufValue> keys(String splitting) {
        Map<String, GgufValue> keys = new LinkedHashMap<>();
        keys.put(PREFIX + "model", GgufValue.text("gpt2"));
        keys.put(PREFIX + "pre", GgufValue.text(splitting));
        keys.put(PREFIX + "tokens", GgufValue.texts(List.of("a", "b", "<begin>")));
        keys.put(PREFIX + "token_type", GgufValue.i32s(List.of(1, 1, 3)));
        keys.put(PREFIX + "merges", GgufValue.texts(List.of()));
        keys.put(PREFIX + "bos_token_id", GgufValue.u32(2));
        return keys;
    }
}
