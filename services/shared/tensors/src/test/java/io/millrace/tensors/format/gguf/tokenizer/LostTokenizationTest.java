package io.millrace.tensors.format.gguf.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.checkpoint.TinyModels;
import io.millrace.tensors.format.gguf.GgufValue;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LostTokenizationTest {
    private static final int ROWS = 300;
    private static final int BYTES = 40;
    private static final String ALWAYS =
            "puts a second space before a text that begins with one, and before such text after"
                    + " a special token (prepend_scheme 'always')";
    private static final String FIRST =
            "puts a space after each special token, and a second one before a text that begins"
                    + " with one (prepend_scheme 'first')";

    @TempDir
    private Path folder;

    private final ObjectNode tokenizer = StrictJson.object();
    private final ObjectNode vocabulary = StrictJson.object().put("<unk>", 0).put("a", 1);
    private final ArrayNode added = tokenizer.putArray("added_tokens");
    private ArrayNode merges = added;

    @BeforeEach
    void sentencePiece() {
        ArrayNode normalizers =
                tokenizer.putObject("normalizer").put("type", "Sequence").putArray("normalizers");
        normalizers.addObject().put("type", "Prepend").put("prepend", "\u2581");
        ObjectNode replace = normalizers.addObject().put("type", "Replace").put("content", "\u2581");
        replace.putObject("pattern").put("String", " ");
        ObjectNode model = tokenizer.putObject("model").put("type", "BPE").put("byte_fallback", true);
        model.set("vocab", vocabulary);
        merges = model.putArray("merges");
        for (int value = 0; value < 256; value++) {
            vocabulary.put("<0x%02X>".formatted(value), BYTES + value);
        }
    }

    @Test
    void whiteSpaceThatATokenTakesIsTold() throws IOException {
        add(2, "<mask>").put("lstrip", true);
        add(3, "<turn>").put("rstrip", true);

        assertThat(lost(""))
                .hasValueSatisfying(
                        note -> assertThat(note)
                                .isEqualTo(
                                        "GGUF cannot say all of this tokenizer: llama.cpp keeps the white space before '<mask>'"
                                                + " (lstrip), keeps the white space after '<turn>' (rstrip), so that such texts become"
                                                + " other tokens than in transformers; choose compressed-tensors, which keeps the tokenizer"));
    }

    @Test
    void atMostThreeTokensAreNamed() throws IOException {
        for (int id = 2; id < 7; id++) {
            add(id, "<" + id + ">").put("single_word", true);
        }

        assertThat(lost(""))
                .hasValueSatisfying(note -> assertThat(note)
                        .contains("finds '<2>', '<3>', '<4>' and 2 more within words too (single_word)"));
    }

    @Test
    void whatLlamaKnowsByTheModelsNameIsNotLost() throws IOException {
        add(2, "<|user|>").put("rstrip", true);
        assertThat(lost("My-Phi-3-mini")).isEmpty();
        assertThat(lost("mine")).isPresent();

        // With that name it keeps the white space after this one.
        add(3, "<|endoftext|>").put("rstrip", true);
        assertThat(lost("phi3"))
                .hasValueSatisfying(note -> assertThat(note)
                        .contains("after '<|endoftext|>' (rstrip)")
                        .doesNotContain("user"));
    }

    @Test
    void theMaskOfModernBertIsKnownByItsName() throws IOException {
        add(2, "[MASK]").put("lstrip", true);

        assertThat(lost("my-modern-bert")).isEmpty();
        assertThat(lost("my-modern-bert-phi3")).isPresent();
    }

    @Test
    void marksOfTheFirstWordAloneAreTold() throws IOException {
        add(2, "<s>");
        assertThat(lost("")).isEmpty();

        metaspace("first", false);

        assertThat(lost("")).hasValueSatisfying(note -> assertThat(note).contains(FIRST));
        // Then it puts none anywhere.
        Files.writeString(folder.resolve("tokenizer_config.json"), "{\"add_prefix_space\": false}");
        assertThat(lost("")).isEmpty();
    }

    /** As transformers 5 saves the tokenizer of Llama 2. */
    @Test
    void aMarkBeforeWhatHasNoneAlreadyIsTold() throws IOException {
        metaspace("always", false);
        assertThat(lost("")).hasValueSatisfying(note -> assertThat(note).contains(ALWAYS));

        metaspace("never", false);
        assertThat(lost("")).isEmpty();
    }

    /** Files of older libraries have the flag alone. */
    @Test
    void aFlagAloneSaysTheSchemeToo() throws IOException {
        metaspace("always", false).put("add_prefix_space", true).remove("prepend_scheme");
        assertThat(lost("")).hasValueSatisfying(note -> assertThat(note).contains(ALWAYS));

        metaspace("always", false).put("add_prefix_space", false).remove("prepend_scheme");
        assertThat(lost("")).isEmpty();
    }

    @Test
    void aMarkThatTheNormalizerHasPutIsPutBeforeSpacesTooAsInGguf() throws IOException {
        metaspace("always", false).put("split", false);
        tokenizer.putObject("normalizer").put("type", "Prepend").put("prepend", "\u2581");

        assertThat(lost("")).isEmpty();
    }

    @Test
    void piecesThatASplitAtEachMarkNeverMakesAreTold() throws IOException {
        metaspace("never", true);
        assertThat(lost("")).isEmpty();

        vocabulary.put("\u2581a", 2).put("\u2581\u2581", 3).put("\u2581", 4);
        merges.add("\u2581 a").add("\u2581 \u2581");

        assertThat(lost(""))
                .hasValueSatisfying(
                        note -> assertThat(note).contains("joins what a space parts, as in '\u2581\u2581' (split)"));
        metaspace("never", false);
        assertThat(lost("")).isEmpty();
    }

    @Test
    void anAddedTokenThatIsFoundOnceTheTextIsNormalizedIsTold() throws IOException {
        add(2, "<extra>").put("normalized", true);
        assertThat(lost(""))
                .hasValueSatisfying(note -> assertThat(note)
                        .contains("finds '<extra>' without a space before it too, and puts one after it (normalized)"));

        // Without a mark put before it the token is the same.
        metaspace("never", false);
        assertThat(lost("")).isEmpty();
    }

    @Test
    void aTokenThatTheFileDoesNotHoldIsNotNamed() throws IOException {
        add(ROWS, "<image>").put("lstrip", true);

        assertThat(lost("")).isEmpty();
    }

    @Test
    void tokensAroundATextThatGgufHasNoKeyForAreTold() throws IOException {
        add(2, "<s>");
        add(3, "<task>");
        Files.writeString(folder.resolve("tokenizer_config.json"), "{\"bos_token\": \"<s>\"}");
        template("<s>");
        assertThat(lost("")).isEmpty();

        template("<task>", "<s>");
        assertThat(lost(""))
                .hasValueSatisfying(note -> assertThat(note).contains("leaves out '<task>' before each text"));
        ObjectNode ofBert = tokenizer.putObject("post_processor").put("type", "RobertaProcessing");
        ofBert.putArray("cls").add("<s>").add(2);
        ofBert.putArray("sep").add("<task>").add(3);
        assertThat(lost(""))
                .hasValueSatisfying(note -> assertThat(note).contains("llama.cpp leaves out '<task>' after each text"));
    }

    @Test
    void bytesWithoutATokenAreTold() throws IOException {
        vocabulary.remove("<0x09>");
        vocabulary.put("\t", BYTES + 9);
        assertThat(lost("")).isEmpty();

        vocabulary.remove("<0xE3>");

        assertThat(lost(""))
                .hasValueSatisfying(note ->
                        assertThat(note).contains("aborts at a character that no piece spells, for want of '<0xE3>'"));
    }

    /** llama.cpp joins what makes a piece; the algorithm does what its merges say. */
    @Test
    void aPieceThatNoMergeMakesIsTold() throws IOException {
        vocabulary.put("b", 2).put("ab", 3).put("<x>", 4);
        merges.add("a b");
        assertThat(lost("")).isEmpty();

        merges.removeAll();

        assertThat(lost(""))
                .hasValueSatisfying(note -> assertThat(note).contains("joins what makes 'ab', though no merge does"));
    }

    @Test
    void aWordThatIsATokenWithoutMergesIsToldWhereItIsTakenWholeInOneOfTheTwo() throws IOException {
        ObjectNode model = tokenizer.putNull("normalizer").putObject("model").put("type", "BPE");
        model.putObject("vocab").put("a", 0).put("b", 1).put("ab", 2);
        model.putArray("merges");
        tokenizer.putObject("pre_tokenizer").put("type", "ByteLevel").put("add_prefix_space", false);
        assertThat(lost(""))
                .hasValueSatisfying(note -> assertThat(note)
                        .contains(
                                "leaves out bytes that are no tokens only once all else is merged ('!', '\"', '#' and 204 more)")
                        .doesNotContain("ignore_merges"));

        model.put("ignore_merges", true);

        assertThat(lost(""))
                .hasValueSatisfying(note -> assertThat(note)
                        .contains("splits 'ab', which no merge makes but a word of its own is (ignore_merges)"));
    }

    @Test
    void mergesThatAreLeftOutByChanceAndSpacesThatStaySpacesAreTold() throws IOException {
        ((ObjectNode) tokenizer.path("model")).put("dropout", 0.1);
        tokenizer.putNull("normalizer");

        assertThat(lost(""))
                .hasValueSatisfying(
                        note -> assertThat(note)
                                .contains(
                                        "takes each space for the start of a word, never leaves out a merge by chance (dropout)"));
    }

    @Test
    void addedTokensThatATextMayHoldAcrossEachOtherAreTold() throws IOException {
        add(2, "ab");
        add(3, "\n\n");
        add(4, "\n\n\n");
        add(5, "xab");
        assertThat(lost("")).isEmpty();

        add(6, "bcd");

        assertThat(lost(""))
                .hasValueSatisfying(note ->
                        assertThat(note).contains("finds 'bcd' where a text holds it and 'ab' across each other"));
    }

    @Test
    void anAddedTokenWithinOneThatIsLookedForLaterIsTold() throws IOException {
        metaspace("never", false);
        add(2, "<tool>");
        add(3, "<tool>x").put("normalized", true);

        assertThat(lost(""))
                .hasValueSatisfying(note -> assertThat(note)
                        .contains("finds '<tool>x' where a text holds it and '<tool>' across each other"));
    }

    private void template(String... before) {
        ArrayNode single = tokenizer
                .putObject("post_processor")
                .put("type", "TemplateProcessing")
                .putArray("single");
        for (String token : before) {
            single.addObject().putObject("SpecialToken").put("id", token);
        }
        single.addObject().putObject("Sequence").put("id", "A");
    }

    private ObjectNode metaspace(String scheme, boolean split) {
        tokenizer.putNull("normalizer");
        return tokenizer
                .putObject("pre_tokenizer")
                .put("type", "Metaspace")
                .put("prepend_scheme", scheme)
                .put("split", split);
    }

    private ObjectNode add(int id, String text) {
        return added.addObject().put("id", id).put("content", text).put("special", true);
    }

    private Optional<String> lost(String name) throws IOException {
        Files.writeString(folder.resolve("tokenizer.json"), tokenizer.toString());
        ModelConfig config = ModelConfig.of(TinyModels.llama().put("vocab_size", ROWS), "config.json");
        TokenizerKeys.Written written = TokenizerKeys.of(folder, config);
        Map<String, GgufValue> keys = written.keys();
        keys.put("general.name", GgufValue.text(name));
        return written.lost().in(keys);
    }
}
