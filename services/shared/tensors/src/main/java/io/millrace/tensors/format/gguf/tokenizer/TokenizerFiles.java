package io.millrace.tensors.format.gguf.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.MalformedFileException.Kind;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a checkpoint's folder says about its tokenizer. A missing JSON file reads as an empty object.
 *
 * @param json {@code tokenizer.json}
 * @param config {@code tokenizer_config.json}
 * @param ids {@code added_tokens.json}: the ids of added tokens by their texts, as transformers wrote them before 4.34
 * @param generation {@code generation_config.json}
 * @param sentencePiece {@code tokenizer.model}, where there is one
 */
record TokenizerFiles(
        Path folder,
        TokenizerJson json,
        ObjectNode config,
        ObjectNode ids,
        ObjectNode generation,
        Optional<Path> sentencePiece) {
    static final String CONFIG = "tokenizer_config.json";
    private static final String IDS = "added_tokens.json";
    private static final List<String> SPECIAL_KEYS =
            List.of("bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token");

    private static final long LIMIT_BYTES = 128L << 20;

    /**
     * A token outside the algorithm's own vocabulary, or marked as special within it.
     *
     * @param takesBefore it takes the white space before it out of the text, {@code lstrip}
     * @param takesAfter the same after it, {@code rstrip}
     * @param wholeWord it is not found within a word, {@code single_word}
     * @param normalized it is found in a text that is normalized already, and is itself normalized
     */
    record Added(
            int id,
            String text,
            boolean special,
            boolean takesBefore,
            boolean takesAfter,
            boolean wholeWord,
            boolean normalized) {
        /** Tokens that no text holds, among them some that exporters forgot to call special: Gemma's, DeepSeek's. */
        private static final Set<String> SPECIAL = Set.of("<pad>", "<mask>", "<2mass>", "[@BOS@]");

        boolean control() {
            return special
                    || SPECIAL.contains(text)
                    || (text.startsWith("<|") && text.endsWith("|>"))
                    || (text.startsWith("<\uff5c") && text.endsWith("\uff5c>"))
                    || (text.startsWith("<unused") && text.endsWith(">"));
        }
    }

    static TokenizerFiles in(Path folder) throws IOException {
        Path model = folder.resolve("tokenizer.model");
        return new TokenizerFiles(
                folder,
                TokenizerJson.in(folder, LIMIT_BYTES),
                json(folder, CONFIG),
                json(folder, IDS),
                json(folder, "generation_config.json"),
                Files.isRegularFile(model) ? Optional.of(model) : Optional.empty());
    }

    /** What tokenizer.json says beside its lists. */
    ObjectNode tokenizer() {
        return json.tree();
    }

    static ObjectNode json(Path folder, String name) throws IOException {
        Path file = folder.resolve(name);
        return Files.isRegularFile(file) ? StrictJson.readFile(file, LIMIT_BYTES) : StrictJson.object();
    }

    /**
     * The added tokens of tokenizer.json, or where that is missing, of added_tokens.json and of tokenizer_config.json, which
     * has the last word on an id: the order of convert_hf_to_gguf.py.
     */
    List<Added> added() throws MalformedFileException {
        if (!tokenizer().isEmpty()) {
            List<Added> added = new ArrayList<>();
            for (JsonNode token : tokenizer().path("added_tokens")) {
                added.add(added(WholeIds.of(token.path("id")).orElse(-1), token));
            }
            return added;
        }
        Map<Integer, Added> byId = new LinkedHashMap<>();
        for (var entry : ids.properties()) {
            Added added = addedOnly(entry.getKey(), entry.getValue());
            byId.put(added.id(), added);
        }
        for (var entry : config.path("added_tokens_decoder").properties()) {
            int id = entry.getKey().matches("\\d{1,9}") ? Integer.parseInt(entry.getKey()) : -1;
            byId.put(id, added(id, entry.getValue()));
        }
        return List.copyOf(byId.values());
    }

    private Added addedOnly(String text, JsonNode id) throws MalformedFileException {
        int known = WholeIds.of(id)
                .filter(number -> number >= 0)
                .orElseThrow(() -> problem(IDS, "token '" + text + "' has the id " + id + ", expected a whole number"));
        return new Added(known, text, isSpecial(text), false, false, false, false);
    }

    private boolean isSpecial(String text) {
        for (JsonNode more : config.path("additional_special_tokens")) {
            if ((more.isObject() ? more.path("content") : more).asText().equals(text)) {
                return true;
            }
        }
        return SPECIAL_KEYS.stream().anyMatch(key -> special(key).equals(Optional.of(text)));
    }

    private Added added(int id, JsonNode token) throws MalformedFileException {
        if (id < 0 || !token.path("content").isTextual()) {
            throw contradiction("added token " + token + ", expected an id and a content");
        }
        return new Added(
                id,
                token.get("content").asText(),
                token.path("special").asBoolean(false),
                token.path("lstrip").asBoolean(false),
                token.path("rstrip").asBoolean(false),
                token.path("single_word").asBoolean(false),
                token.path("normalized").asBoolean(false));
    }

    /** The text of a special token such as {@code bos_token}. */
    Optional<String> special(String key) {
        JsonNode token = config.path(key);
        JsonNode text = token.isObject() ? token.path("content") : token;
        return text.isTextual() ? Optional.of(text.asText()) : Optional.empty();
    }

    /** The tokenizer is sound, but GGUF cannot say it. */
    static MalformedFileException unsupported(String file, String what) {
        return new MalformedFileException(
                Kind.UNSUPPORTED,
                file,
                what + "; quantize this model to compressed-tensors, which keeps its tokenizer");
    }

    /** The tokenizer.json contradicts itself or the model. */
    static MalformedFileException contradiction(String what) {
        return problem(TokenizerJson.FILE, what + "; put the model's own tokenizer there");
    }

    static MalformedFileException problem(String file, String what) {
        return new MalformedFileException(file, -1, what);
    }
}
