package io.millrace.models;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Small tokenizers of the families that models come with, their merges learnt from a handful of words. */
public enum SyntheticTokenizer {
    LLAMA_2,
    /** As transformers 5 saves it. */
    LLAMA_2_METASPACE,
    GEMMA,
    LLAMA_3,
    /** SmolLM3, and what was tuned from Llama 3 and saved without its first token. */
    LLAMA_3_WITHOUT_BOS,
    QWEN_2,
    GPT_2,
    SMOLLM,
    TEKKEN,
    GPT_4O;

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MERGES = 160;
    private static final String[] WORDS = {
        "the",
        "then",
        "there",
        "mill",
        "miller",
        "water",
        "waters",
        "grain",
        "The",
        "Mill",
        "WATER",
        "n",
        "naïve",
        "Straße",
        "über",
        "水",
        "日本",
        "日本語",
        "Привет",
        "мир",
        "123",
        "1234",
        "12",
        "3",
        "2024",
        "...",
        "!!",
        "?!",
        "'s",
        "'ll",
        "'re",
        "\n",
        "\n\n",
        "\r\n",
        "\t",
        "  ",
        "    ",
        "//",
        "/*",
        "foo",
        "fooBar",
        "HTTPServer",
        "👍"
    };

    private static final String LLAMA_3_WORDS =
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
                    + "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    private static final String TEKKEN_WORDS =
            "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
                    + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*"
                    + "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    /** Of Phi-4-mini. */
    private static final String GPT_4O_WORDS =
            "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
                    + "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
                    + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*"
                    + "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
                    + "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    /** Writes tokenizer.json and tokenizer_config.json; answers the number of tokens. */
    public int write(Path folder) throws IOException {
        ObjectNode json = JSON.createObjectNode();
        json.put("version", "1.0").putNull("truncation").putNull("padding");
        int tokens =
                this == LLAMA_2 || this == LLAMA_2_METASPACE || this == GEMMA ? sentencePiece(json) : byteLevel(json);
        Files.writeString(folder.resolve("tokenizer.json"), json.toString());
        Files.writeString(
                folder.resolve("tokenizer_config.json"), "{\"bos_token\": \"<s>\", \"add_bos_token\": false}");
        return tokens;
    }

    private int byteLevel(ObjectNode json) {
        json.set("normalizer", this == QWEN_2 ? JSON.createObjectNode().put("type", "NFC") : null);
        ObjectNode bytes = JSON.createObjectNode()
                .put("type", "ByteLevel")
                .put("add_prefix_space", false)
                .put("trim_offsets", true)
                .put("use_regex", this == GPT_2 || this == SMOLLM);
        if (this == GPT_2) {
            json.set("pre_tokenizer", bytes);
        } else {
            ObjectNode first = JSON.createObjectNode();
            if (this == SMOLLM) {
                first.put("type", "Digits").put("individual_digits", true);
            } else {
                first.put("type", "Split");
                first.put("behavior", this == GPT_4O ? "Removed" : "Isolated").put("invert", this == GPT_4O);
                first.putObject("pattern").put("Regex", words());
            }
            json.putObject("pre_tokenizer")
                    .put("type", "Sequence")
                    .putArray("pretokenizers")
                    .add(first)
                    .add(bytes);
        }
        if (this == LLAMA_3) {
            ObjectNode around = json.putObject("post_processor").put("type", "TemplateProcessing");
            ArrayNode single = around.putArray("single");
            single.addObject().putObject("SpecialToken").put("id", "<s>").put("type_id", 0);
            single.addObject().putObject("Sequence").put("id", "A").put("type_id", 0);
            around.putArray("pair").addAll(single.deepCopy());
            ObjectNode special = around.putObject("special_tokens").putObject("<s>");
            special.put("id", "<s>").putArray("ids").add(256);
            special.putArray("tokens").add("<s>");
        } else {
            json.putNull("post_processor");
        }
        json.set("decoder", bytes.deepCopy());
        List<String> letters = TestModels.byteCharacters();
        List<List<String>> corpus = new ArrayList<>();
        for (String word : WORDS) {
            for (String spaced : List.of(word, " " + word)) {
                List<String> symbols = new ArrayList<>();
                for (byte b : spaced.getBytes(StandardCharsets.UTF_8)) {
                    symbols.add(letters.get(b & 0xff));
                }
                corpus.add(symbols);
            }
        }
        Set<String> tokens = new LinkedHashSet<>(letters);
        tokens.add("<s>");
        List<String[]> merges = learn(corpus, tokens);
        boolean wholeWords = this == LLAMA_3 || this == LLAMA_3_WITHOUT_BOS || this == TEKKEN;
        if (wholeWords) {
            // A word that no merge makes.
            tokens.add("@x");
        }
        ObjectNode model = model(json, tokens, merges);
        model.put("ignore_merges", wholeWords).put("byte_fallback", false).putNull("unk_token");
        added(json, new ArrayList<>(tokens).indexOf("<s>"), "<s>", true);
        return tokens.size();
    }

    private String words() {
        return switch (this) {
            case QWEN_2 -> LLAMA_3_WORDS.replace("\\p{N}{1,3}", "\\p{N}");
            case TEKKEN -> TEKKEN_WORDS;
            case GPT_4O -> GPT_4O_WORDS;
            default -> LLAMA_3_WORDS;
        };
    }

    private int sentencePiece(ObjectNode json) {
        ObjectNode replace = JSON.createObjectNode().put("type", "Replace").put("content", "▁");
        replace.putObject("pattern").put("String", " ");
        if (this == GEMMA) {
            json.set("normalizer", replace);
            ObjectNode split = json.putObject("pre_tokenizer").put("type", "Split");
            split.put("behavior", "MergedWithPrevious").put("invert", false);
            split.putObject("pattern").put("String", " ");
        } else if (this == LLAMA_2_METASPACE) {
            json.putNull("normalizer")
                    .putObject("pre_tokenizer")
                    .put("type", "Metaspace")
                    .put("replacement", "▁");
            json.withObject("pre_tokenizer").put("prepend_scheme", "always").put("split", false);
        } else {
            json.putObject("normalizer")
                    .put("type", "Sequence")
                    .putArray("normalizers")
                    .add(JSON.createObjectNode().put("type", "Prepend").put("prepend", "▁"))
                    .add(replace);
            json.putNull("pre_tokenizer");
        }
        json.putNull("post_processor").putNull("decoder");
        Set<String> tokens = new LinkedHashSet<>(
                this == GEMMA
                        ? List.of("<pad>", "</s>", "<s>", "<unk>", "<unused0>")
                        : List.of("<unk>", "<s>", "</s>"));
        int specials = tokens.size();
        for (int b = 0; b < 256; b++) {
            tokens.add("<0x%02X>".formatted(b));
        }
        List<List<String>> corpus = new ArrayList<>();
        for (String word : WORDS) {
            if (!word.equals("👍")) {
                List<String> symbols = new ArrayList<>();
                ("▁" + word.replace(' ', '▁')).codePoints().forEach(c -> symbols.add(Character.toString(c)));
                tokens.addAll(symbols);
                corpus.add(symbols);
            }
        }
        learn(corpus, tokens);
        if (this == GEMMA) {
            tokens.add("<table>");
            tokens.add("\n\n\n");
        }
        // SentencePiece merges whatever makes a known piece, the earlier piece first.
        List<String[]> merges = new ArrayList<>();
        for (String piece : tokens) {
            for (int cut = 1; cut < piece.length(); cut++) {
                boolean whole = !Character.isLowSurrogate(piece.charAt(cut));
                if (whole && tokens.contains(piece.substring(0, cut)) && tokens.contains(piece.substring(cut))) {
                    merges.add(new String[] {piece.substring(0, cut), piece.substring(cut)});
                }
            }
        }
        model(json, tokens, merges)
                .put("unk_token", "<unk>")
                .put("fuse_unk", true)
                .put("byte_fallback", true);
        List<String> ids = new ArrayList<>(tokens);
        for (int id = 0; id < specials; id++) {
            added(json, id, ids.get(id), !ids.get(id).startsWith("<unused"));
        }
        if (this == GEMMA) {
            added(json, ids.indexOf("<table>"), "<table>", false);
            added(json, ids.indexOf("\n\n\n"), "\n\n\n", false);
        }
        return tokens.size();
    }

    /** Byte-pair encoding: the most frequent neighbours become a token; ties go to the smaller text. */
    private static List<String[]> learn(List<List<String>> corpus, Set<String> tokens) {
        List<String[]> merges = new ArrayList<>();
        for (int i = 0; i < MERGES; i++) {
            Map<String, Integer> counts = new TreeMap<>();
            for (List<String> word : corpus) {
                for (int at = 0; at + 1 < word.size(); at++) {
                    counts.merge(word.get(at) + "\0" + word.get(at + 1), 1, Integer::sum);
                }
            }
            if (counts.isEmpty()) {
                break;
            }
            int most =
                    counts.values().stream().mapToInt(Integer::intValue).max().getAsInt();
            String pair = counts.entrySet().stream()
                    .filter(entry -> entry.getValue() == most)
                    .map(Map.Entry::getKey)
                    .findFirst()
                    .orElseThrow();
            String[] halves = Arrays.copyOf(pair.split("\0", -1), 2);
            merges.add(halves);
            tokens.add(halves[0] + halves[1]);
            for (List<String> word : corpus) {
                for (int at = 0; at + 1 < word.size(); at++) {
                    if (word.get(at).equals(halves[0]) && word.get(at + 1).equals(halves[1])) {
                        word.set(at, halves[0] + halves[1]);
                        word.remove(at + 1);
                    }
                }
            }
        }
        return merges;
    }

    private static ObjectNode model(ObjectNode json, Set<String> tokens, List<String[]> merges) {
        ObjectNode model = json.putObject("model").put("type", "BPE").putNull("dropout");
        ObjectNode vocabulary = model.putObject("vocab");
        tokens.forEach(token -> vocabulary.put(token, vocabulary.size()));
        ArrayNode list = model.putArray("merges");
        merges.forEach(halves -> list.addArray().add(halves[0]).add(halves[1]));
        return model;
    }

    private static void added(ObjectNode json, int id, String text, boolean special) {
        json.withArray("added_tokens")
                .addObject()
                .put("id", id)
                .put("content", text)
                .put("single_word", false)
                .put("lstrip", false)
                .put("rstrip", false)
                .put("normalized", false)
                .put("special", special);
    }
}
