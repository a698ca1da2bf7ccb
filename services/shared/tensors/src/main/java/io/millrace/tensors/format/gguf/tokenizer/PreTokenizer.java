package io.millrace.tensors.format.gguf.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.json.StrictJson;
import java.util.Map;
import java.util.Optional;

/**
 * Recognizes how a byte-level BPE splits text before its merges, by what its tokenizer.json says; llama.cpp knows each way
 * by a name. A name that does not fit costs quality silently, so an unknown splitting is refused with its JSON.
 */
final class PreTokenizer {
    private static final String FILE = "tokenizer.json";

    private static final String WORDS_OF_LLAMA_3 =
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
                    + "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String WORDS_OF_QWEN_2 = WORDS_OF_LLAMA_3.replace("\\p{N}{1,3}", "\\p{N}");
    private static final String WORDS_OF_TEKKEN = wordsByCase("", "\\p{N}");
    private static final String WORDS_OF_GPT_4O = wordsByCase("(?i:'s|'t|'re|'ve|'m|'ll|'d)?", "\\p{N}{1,3}");

    /** Files of Falcon 3, Granite's code models, StarCoder and Minerva, and old ones of Llama 3, have names of their own. */
    private static final Map<String, String> SAME_IN_LLAMA_CPP = Map.of(
            "llama3", "llama-bpe",
            "llama-v3", "llama-bpe",
            "falcon3", "llama-bpe",
            "refact", "smollm",
            "starcoder", "smollm",
            "minerva-7b", "smollm");

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
                    // Whether a text starts with a token is said beside it, by add_bos_token.
                    return wholeWords ? "llama-bpe" : "smaug-bpe";
                }
                if (composed && words(first, WORDS_OF_QWEN_2)) {
                    return bos ? "deepseek-r1-qwen" : "qwen2";
                }
                if (plain && words(first, WORDS_OF_TEKKEN)) {
                    return "tekken";
                }
                if (plain && words(first, WORDS_OF_GPT_4O)) {
                    return "gpt-4o";
                }
            }
        }
        throw TokenizerFiles.unsupported(
                FILE,
                "unknown way to split text: pre_tokenizer " + splitting + ", normalizer " + tokenizer.path("normalizer")
                        + ", and GGUF has no name for it");
    }

    /** The name that {@link #splitting} knows a splitting by, of those under which llama.cpp does the same; else itself. */
    static String known(String name) {
        return SAME_IN_LLAMA_CPP.getOrDefault(name, name);
    }

    /** The {@code normalizer} and {@code pre_tokenizer} of a splitting that {@link #detect} knows; empty for others. */
    static Optional<ObjectNode> splitting(String name) {
        Optional<String> words = switch (name) {
            case "llama-bpe", "smaug-bpe", "dbrx" -> Optional.of(WORDS_OF_LLAMA_3);
            case "qwen2", "deepseek-r1-qwen" -> Optional.of(WORDS_OF_QWEN_2);
            case "tekken" -> Optional.of(WORDS_OF_TEKKEN);
            case "gpt-4o" -> Optional.of(WORDS_OF_GPT_4O);
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

    /**
     * Whether llama.cpp takes a word that is a token without looking at its merges. Of the same splittings it starts
     * texts with a token where no key says whether to.
     */
    static boolean wholeWords(String name) {
        return name.equals("llama-bpe") || name.equals("tekken");
    }

    /** What llama.cpp does otherwise than the tokenizer under this name (seen with b4916 and v0.5.0). */
    static Optional<String> lost(String name) {
        return switch (name) {
            case "qwen2", "deepseek-r1-qwen" ->
                Optional.of("leaves a letter and its mark two characters where one is both (NFC)");
            case "tekken", "gpt-4o" ->
                Optional.of(
                        "ends words at marks, such as the vowels of Hindi, Thai and Tamil, and at capitals of ASCII alone"
                                + " (pre_tokenizer)");
            default -> Optional.empty();
        };
    }

    private static void putByteLevel(ObjectNode part, boolean ownWords) {
        part.put("type", "ByteLevel")
                .put("add_prefix_space", false)
                .put("trim_offsets", true)
                .put("use_regex", ownWords);
    }

    /** A word ends where a small letter is followed by a capital one. */
    private static String wordsByCase(String ending, String digits) {
        String start = "[^\\r\\n\\p{L}\\p{N}]?";
        String capital = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
        String small = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
        return start + capital + "*" + small + "+" + ending + "|" + start + capital + "+" + small + "*" + ending + "|"
                + digits + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    }

    /** The expressions match every character, so to keep the matches alone (as Phi-4 says) is to keep everything. */
    private static boolean words(JsonNode part, String expression) {
        String kept = part.path("invert").asBoolean(false) ? "Removed" : "Isolated";
        return part.path("type").asText().equals("Split")
                && part.path("pattern").path("Regex").asText().equals(expression)
                && part.path("behavior").asText().equals(kept);
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
