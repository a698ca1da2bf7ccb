package io.millrace.tensors.format.gguf.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.format.gguf.GgufValue;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The tokens and merges that a tokenizer.json lists, and what is wrong in such lists. */
class VocabularyKeysTest extends TokenizerFixture {
    private static final String REMEDY = "; put the model's own tokenizer there";

    @Test
    void aTokenBeyondTheEmbeddingIsRefused() throws Exception {
        write("tokenizer.json", plainByteLevel());

        assertThatThrownBy(() -> keys(3))
                .hasMessage("tokenizer.json: token '<|end|>' has id 3, but the embedding has 3 rows" + REMEDY);
    }

    @Test
    void whatIsWrongInAVocabularyIsNamed() throws Exception {
        String json = plainByteLevel();

        assertThatThrownBy(() -> keys(4))
                .hasMessage(
                        "tokenizer.json: missing, and so is tokenizer.model; publish the checkpoint with its tokenizer");
        write("tokenizer.json", "{}");
        assertThatThrownBy(() -> keys(4))
                .hasMessage("tokenizer.json: is an empty object, expected a tokenizer, and tokenizer.model is missing;"
                        + " publish the checkpoint with its tokenizer");
        write("tokenizer.json", json.replace("\"b\": 1", "\"b\": -1"));
        assertThatThrownBy(() -> keys(4)).hasMessage("tokenizer.json: token 'b' has id -1, expected a number" + REMEDY);
        write("tokenizer.json", json.replace("\"a b\"", "[\"a\"]"));
        assertThatThrownBy(() -> keys(4))
                .hasMessage("tokenizer.json: merge [\"a\"], expected \"left right\" or a pair" + REMEDY);
        write("tokenizer.json", json.replace("\"b\": 1", "\"b\": 0"));
        assertThatThrownBy(() -> keys(4))
                .hasMessage("tokenizer.json: tokens 'a' and 'b' both have id 0, expected one token per id" + REMEDY);
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

    /** llama.cpp would abort when it opens the file. */
    @Test
    void tokensThatBecomeEqualAreRefused() throws Exception {
        String text = plainByteLevel();

        write("tokenizer.json", text.replace("<|end|>", "[PAD4]"));
        assertThatThrownBy(() -> keys(5))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("tokens 3 and 4 are both '[PAD4]' in GGUF, with which llama.cpp would not open");
        write("tokenizer.json", text.replace("<|end|>", "a\\u0000b"));
        assertThatThrownBy(() -> keys(4)).hasMessageContaining("tokens 0 and 3 are both 'a' in GGUF");
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

    /** A byte-level tokenizer's text has spaces, and marks are characters like others. */
    @Test
    void anAddedTokenOfAByteLevelTokenizerKeepsItsText() throws Exception {
        String text = plainByteLevel().replace("<|end|>", "\u2581the");
        write("tokenizer.json", text.replaceAll("\"special\"\\s*:\\s*true", "\"special\": false"));

        assertThat(keys(4))
                .containsEntry("tokenizer.ggml.tokens", GgufValue.texts(List.of("a", "b", "ab", "\u2581the")));
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
        String json = plainByteLevel();

        write("tokenizer.json", json.replace("\"a b\"", "\"" + merge + "\""));

        assertThatThrownBy(() -> keys(4)).hasMessage("tokenizer.json: " + message + REMEDY);
    }

    @Test
    void theFirstLineOfAnOlderMergesFileIsNoMerge() throws Exception {
        String json = plainByteLevel();

        write("tokenizer.json", json.replace("\"a b\"", "\"#version: 0.2\", \"a b\""));

        assertThat(keys(4)).containsEntry("tokenizer.ggml.merges", GgufValue.texts(List.of("a b")));
    }

    @Test
    void aPartOfAPairMayHoldASpace() throws Exception {
        String json = plainByteLevel();

        write(
                "tokenizer.json",
                json.replace("\"a b\"", "[\"a\", \" b\"]")
                        .replace("\"b\":", "\" b\":")
                        .replace("\"ab\":", "\"a b\":"));

        assertThat(keys(4)).containsEntry("tokenizer.ggml.merges", GgufValue.texts(List.of("a \u0120b")));
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
}
