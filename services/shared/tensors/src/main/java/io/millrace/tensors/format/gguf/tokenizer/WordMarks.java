package io.millrace.tensors.format.gguf.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** How a SentencePiece tokenizer marks the start of words, instead of splitting the text. */
final class WordMarks {
    private static final String FILE = "tokenizer.json";
    private static final String WORD_START = "\u2581";

    private WordMarks() {}

    /** Anything but that marking would be lost in GGUF. */
    static void require(ObjectNode tokenizer) throws MalformedFileException {
        JsonNode splitting = tokenizer.path("pre_tokenizer");
        boolean absent = splitting.isMissingNode() || splitting.isNull();
        // Gemma splits at spaces, of which its normalizer has left none.
        boolean idle = splitting.path("pattern").path("String").asText().equals(" ")
                && marksWords(tokenizer.path("normalizer"));
        if (!absent && !idle && !splitting.path("type").asText().equals("Metaspace")) {
            throw TokenizerFiles.unsupported(
                    FILE, "pre_tokenizer " + splitting + " beside byte_fallback, expected none or Metaspace");
        }
        JsonNode normalizer = tokenizer.path("normalizer");
        if (tokenizer.hasNonNull("normalizer") && !normalizers(normalizer).allMatch(WordMarks::ofSentencePiece)) {
            throw TokenizerFiles.unsupported(
                    FILE,
                    "normalizer " + normalizer + " beside byte_fallback, expected Prepend and Replace of word starts");
        }
    }

    /** False if a SentencePiece tokenizer says that it puts no space before a text. */
    static boolean prependsSpace(ObjectNode tokenizer) {
        JsonNode splitting = tokenizer.path("pre_tokenizer");
        if (splitting.path("type").asText().equals("Metaspace")) {
            return splitting.has("prepend_scheme")
                    ? !splitting.path("prepend_scheme").asText().equals("never")
                    : splitting.path("add_prefix_space").asBoolean(true);
        }
        JsonNode normalizer = tokenizer.path("normalizer");
        return !marksWords(normalizer)
                || normalizers(normalizer)
                        .anyMatch(part -> part.path("type").asText().equals("Prepend"));
    }

    /** Whether it marks the first word of a text alone, and none after a special token. */
    static boolean firstAlone(ObjectNode tokenizer) {
        JsonNode splitting = tokenizer.path("pre_tokenizer");
        return splitting.path("type").asText().equals("Metaspace")
                && splitting.path("prepend_scheme").asText().equals("first");
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
