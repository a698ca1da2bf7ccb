package io.millrace.tensors.format.gguf.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.format.gguf.GgufValue;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The keys of a tokenizer of SentencePiece, from its own file or from the tokenizer.json that was made of it. */
class SentencePieceKeysTest extends TokenizerFixture {
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

    /** As transformers saved a tokenizer of Llama 2 whose vocabulary was enlarged, in 2023. */
    @Test
    void addedTokensOfAFileOfTheirOwnAreInTheirPlaces() throws Exception {
        Files.write(folder.resolve("tokenizer.model"), sentencePiece(2));
        write("added_tokens.json", """
                {"<|im_end|>": 3, "<turn>": 4, "<tool>": 5, "<pad_past_the_rows>": 9}""");
        write("tokenizer_config.json", """
                {"eos_token": "<|im_end|>", "additional_special_tokens": ["<turn>"],
                 "added_tokens_decoder": {"6": {"content": "<six>", "special": true}}}""");

        assertThat(keys(8))
                .containsEntry(
                        "tokenizer.ggml.tokens",
                        GgufValue.texts(
                                List.of("<unk>", "\u2581a", "b", "<|im_end|>", "<turn>", "<tool>", "<six>", "[PAD7]")))
                .containsEntry("tokenizer.ggml.token_type", GgufValue.i32s(List.of(2, 1, 1, 3, 3, 4, 3, 5)))
                .containsEntry("tokenizer.ggml.eos_token_id", GgufValue.u32(3));
        write("added_tokens.json", """
                {"<turn>": "four"}""");
        assertThatThrownBy(() -> keys(8))
                .isInstanceOf(MalformedFileException.class)
                .hasMessage("added_tokens.json: token '<turn>' has the id \"four\", expected a whole number");
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

    @Test
    void spacesWithoutMarksAreRefused() throws Exception {
        Files.write(folder.resolve("tokenizer.model"), prepared(new byte[] {5 << 3, 0}));

        assertThatThrownBy(() -> keys(4))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("its spaces have no marks ('escape_whitespaces' is false)");
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
            Files.write(folder.resolve("tokenizer.model"), Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> keys(4)).as("%d bytes", length).isInstanceOf(MalformedFileException.class);
        }
    }

    /** Both are what its trainer does unless told otherwise. */
    @Test
    void howSentencePiecePreparesATextIsToldWhereNothingElseSaysIt() throws Exception {
        Files.write(folder.resolve("tokenizer.model"), prepared(new byte[] {2 << 3 | 2, 1, 0}));
        assertThat(lost(4))
                .hasValueSatisfying(note -> assertThat(note)
                        .contains(
                                "does not bring a text into the form 'nfkc' first, keeps spaces at the ends of a text,"
                                        + " and each where several are (remove_extra_whitespaces)"));

        Files.write(folder.resolve("tokenizer.model"), prepared(new byte[] {4 << 3, 0}));
        assertThat(lost(4))
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

    @Test
    void theSpaceAfterAPieceThatTheUserDefinedIsTold() throws Exception {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        piece(file, "[X]", 0f, 4);
        file.writeBytes(sentencePiece(2));
        Files.write(folder.resolve("tokenizer.model"), file.toByteArray());

        assertThat(lost(4))
                .hasValueSatisfying(note -> assertThat(note)
                        .contains("puts a space after '[X]', and none before a text that begins so (user-defined)"));
        write("tokenizer_config.json", "{\"add_prefix_space\": false}");
        assertThat(lost(4)).hasValueSatisfying(note -> assertThat(note).doesNotContain("user-defined"));
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

    @Test
    void aMarkOfAnotherCharacterIsRefused() throws Exception {
        write("tokenizer.json", """
                {"pre_tokenizer": {"type": "Metaspace", "replacement": "_", "prepend_scheme": "never"},
                 "model": {"type": "BPE", "byte_fallback": true, "vocab": {"a": 0}, "merges": []}}""");

        assertThatThrownBy(() -> keys(1))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("expected none or Metaspace with '\u2581'");
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
