package io.millrace.tensors.format.gguf.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.json.StrictJson;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * Recognizes how a tokenizer splits text before its merges, by what its tokenizer.json says; llama.cpp knows each way
 * by a name. A name that does not fit costs quality silently, so an unknown splitting is refused with its JSON.
 */
final class PreTokenizer {
    private static final String FILE = "tokenizer.json";
    private static final String WORD_START = "\u2581";

    private static final String WORDS_OF_LLAMA_3 =
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
                    + "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String WORDS_OF_QWEN_2 = WORDS_OF_LLAMA_3.replace("\\p{N}{1,3}", "\\p{N}");
    private static final String WORDS_OF_TEKKEN =
            "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
                    + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*"
                    + "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    private PreTokenizer() {}

    /** The name of a byte-level BPE's splitting, {@code tokenizer.ggml.pre}. */
    static String detect(ObjectNode tokenizer) throws MalformedFileException {
        JsonNode splitting = tokenizer.path("pre_tokenizer");
        JsonNode parts = splitting.path("pretokenizers");
        boolean bos = PostProcessor.of(tokenizer).startsWithToken();
        boolean composed = tokenizer.path("normalizer").path("type").asText().equals("NFC");
        boolean plain = !tokenizer.hasNonNull("normalizer");
        if (plain && byteLevel(splitting, true)) {
            return "gpt-2";
        }
        if (splitting.path("type").asText().equals("Sequence") && parts.size() == 2) {
            JsonNode first = parts.get(0);
            if (plain && individualDigits(first) && byteLevel(parts.get(1), true)) {
                return "smollm";
            }
            if (byteLevel(parts.get(1), false)) {
                if (plain && words(first, WORDS_OF_LLAMA_3)) {
                    boolean wholeWords =
                            tokenizer.path("model").path("ignore_merges").asBoolean(false);
                    return wholeWords && bos ? "llama-bpe" : "smaug-bpe";
                }
                if (composed && words(first, WORDS_OF_QWEN_2)) {
                    return bos ? "deepseek-r1-qwen" : "qwen2";
                }
                if (plain && words(first, WORDS_OF_TEKKEN)) {
                    return "tekken";
                }
            }
        }
        throw TokenizerFiles.unsupported(
                FILE,
                "unknown way to split text: pre_tokenizer " + splitting + ", normalizer " + tokenizer.path("normalizer")
                        + ", and GGUF has no name for it");
    }

    /** The {@code normalizer} and {@code pre_tokenizer} of a splitting that {@link #detect} knows; empty for others. */
    static Optional<ObjectNode> splitting(String name) {
        Optional<String> words = switch (name) {
            case "llama-bpe", "smaug-bpe" -> Optional.of(WORDS_OF_LLAMA_3);
            case "qwen2", "deepseek-r1-qwen" -> Optional.of(WORDS_OF_QWEN_2);
            case "tekken" -> Optional.of(WORDS_OF_TEKKEN);
            default -> Optional.empty();
        };
        ObjectNode json = StrictJson.object();
        if (name.equals("qwen2") || name.equals("deepseek-r1-qwen")) {
            json.putObject("normalizer").put("type", "NFC");
        } else {
            json.putNull("normalizer");
        }
        if (name.equals("gpt-2")) {
            putByteLevel(json.putObject("pre_tokenizer"), true);
            return Optional.of(json);
        }
        if (words.isEmpty() && !name.equals("smollm")) {
            return Optional.empty();
        }
        ArrayNode parts =
                json.putObject("pre_tokenizer").put("type", "Sequence").putArray("pretokenizers");
        if (words.isPresent()) {
            ObjectNode split = parts.addObject().put("type", "Split");
            split.putObject("pattern").put("Regex", words.get());
            split.put("behavior", "Isolated").put("invert", false);
        } else {
            parts.addObject().put("type", "Digits").put("individual_digits", true);
        }
        putByteLevel(parts.addObject(), words.isEmpty());
        return Optional.of(json);
    }

    private static void putByteLevel(ObjectNode part, boolean ownWords) {
        part.put("type", "ByteLevel")
                .put("add_prefix_space", false)
                .put("trim_offsets", true)
                .put("use_regex", ownWords);
    }

    /** SentencePiece marks the start of words itself; anything but that marking would be lost in GGUF. */
    static void requireSentencePiece(ObjectNode tokenizer) throws MalformedFileException {
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
        if (tokenizer.hasNonNull("normalizer") && !normalizers(normalizer).allMatch(PreTokenizer::ofSentencePiece)) {
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

    private static boolean words(JsonNode part, String expression) {
        return part.path("type").asText().equals("Split")
                && part.path("pattern").path("Regex").asText().equals(expression)
                && part.path("behavior").asText().equals("Isolated")
                && !part.path("invert").asBoolean(true);
    }

    private static boolean individualDigits(JsonNode part) {
        return part.path("type").asText().equals("Digits")
                && part.path("individual_digits").asBoolean(false);
    }

    private static boolean byteLevel(JsonNode part, boolean ownWords) {
        return part.path("type").asText().equals("ByteLevel")
                && !part.path("add_prefix_space").asBoolean(true)
                && part.path("use_regex").asBoolean(true) == ownWords;
    }
}
