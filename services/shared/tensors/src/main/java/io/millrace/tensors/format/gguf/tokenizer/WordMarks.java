package io.millrace.tensors.format.gguf.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.format.gguf.tokenizer.Vocabulary.Kind;
import io.millrace.tensors.format.gguf.tokenizer.Vocabulary.Token;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * How a SentencePiece tokenizer marks the start of words, instead of splitting the text.
 *
 * @param prepend whether each part of a text between special tokens gets a mark, also one that begins with a space
 * @param scheme where else a mark is put before what has none: {@code always} before each part, {@code first} before
 *     the text, {@code never}; empty if it is done by {@code prepend}
 * @param split whether each mark begins a part that is merged by itself
 */
record WordMarks(boolean prepend, String scheme, boolean split) {
    private static final String FILE = "tokenizer.json";
    private static final String WORD_START = "\u2581";

    /** What is no SentencePiece tokenizer's. */
    static final WordMarks NONE = new WordMarks(false, "", false);

    static WordMarks of(ObjectNode tokenizer) {
        JsonNode splitting = tokenizer.path("pre_tokenizer");
        boolean prepend = normalizers(tokenizer.path("normalizer"))
                .anyMatch(part -> part.path("type").asText().equals("Prepend"));
        if (!splitting.path("type").asText().equals("Metaspace")) {
            return new WordMarks(prepend, "", false);
        }
        // Older files say it by the flag alone; where they say nothing of splitting, it is done.
        String scheme = splitting
                .path("prepend_scheme")
                .asText(splitting.path("add_prefix_space").asBoolean(true) ? "always" : "never");
        return new WordMarks(
                prepend, prepend ? "" : scheme, splitting.path("split").asBoolean(true));
    }

    /** A piece that no text becomes, since it has a mark within. */
    Optional<String> parted(List<Token> tokens) {
        return tokens.stream()
                .filter(token ->
                        split && token.kind() == Kind.NORMAL && token.text().indexOf(WORD_START, 1) > 0)
                .map(Token::text)
                .findFirst();
    }

    /** Anything but that marking would be lost in GGUF. */
    static void require(ObjectNode tokenizer) throws MalformedFileException {
        JsonNode splitting = tokenizer.path("pre_tokenizer");
        boolean absent = splitting.isMissingNode() || splitting.isNull();
        // Gemma splits at spaces, of which its normalizer has left none.
        boolean idle = splitting.path("pattern").path("String").asText().equals(" ")
                && marksWords(tokenizer.path("normalizer"));
        if (!absent && !idle && !metaspace(splitting)) {
            throw TokenizerFiles.unsupported(
                    FILE,
                    "pre_tokenizer " + splitting + " beside byte_fallback, expected none or Metaspace with '\u2581'");
        }
        JsonNode normalizer = tokenizer.path("normalizer");
        if (tokenizer.hasNonNull("normalizer") && !normalizers(normalizer).allMatch(WordMarks::ofSentencePiece)) {
            throw TokenizerFiles.unsupported(
                    FILE,
                    "normalizer " + normalizer + " beside byte_fallback, expected Prepend and Replace of word starts");
        }
    }

    private static boolean metaspace(JsonNode splitting) {
        return splitting.path("type").asText().equals("Metaspace")
                && splitting.path("replacement").asText(WORD_START).equals(WORD_START);
    }

    /** Whether spaces become marks. */
    static boolean ofSpaces(ObjectNode tokenizer) {
        return metaspace(tokenizer.path("pre_tokenizer")) || marksWords(tokenizer.path("normalizer"));
    }

    /** False if a SentencePiece tokenizer says that it puts no space before a text. */
    static boolean prependsSpace(ObjectNode tokenizer) {
        WordMarks marks = of(tokenizer);
        if (!marks.scheme().isEmpty()) {
            return !marks.scheme().equals("never");
        }
        return marks.prepend() || !marksWords(tokenizer.path("normalizer"));
    }

    private static boolean marksWords(JsonNode normalizer) {
        return normalizers(normalizer)
                .anyMatch(part -> part.path("type").asText().equals("Replace"));
    }

    private static boolean ofSentencePiece(JsonNode part) {
        return switch (part.path("type").asText()) {
            case "Prepend" -> part.path("prepend").asText().equals(WORD_START);
            case "Replace" ->
                part.path("pattern").path("String").asText().equals(" ")
                        && part.path("content").asText().equals(WORD_START);
            default -> false;
        };
    }

    /** A normalizer, or the parts of a sequence of them. */
    private static Stream<JsonNode> normalizers(JsonNode normalizer) {
        JsonNode parts = normalizer.path("normalizers");
        return parts.isArray() ? StreamSupport.stream(parts.spliterator(), false) : Stream.of(normalizer);
    }
}
