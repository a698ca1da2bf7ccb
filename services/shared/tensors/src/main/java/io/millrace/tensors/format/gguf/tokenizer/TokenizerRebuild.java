package io.millrace.tensors.format.gguf.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.file.DurableFiles;
import io.millrace.tensors.format.gguf.GgufHeader;
import io.millrace.tensors.format.gguf.GgufValue;
import io.millrace.tensors.format.gguf.PackedTexts;
import io.millrace.tensors.format.gguf.tokenizer.Vocabulary.Kind;
import io.millrace.tensors.format.gguf.tokenizer.Vocabulary.Token;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A tokenizer.json and tokenizer_config.json from the {@code tokenizer.*} keys of a GGUF file: what {@link TokenizerKeys}
 * does, the other way. A tokenizer that is not known exactly is not made.
 */
public final class TokenizerRebuild {
    private static final String PREFIX = "tokenizer.ggml.";

    private final Map<String, GgufValue> keys;
    private final List<String> texts;
    private final List<Long> kinds;

    private TokenizerRebuild(Map<String, GgufValue> keys) {
        this.keys = keys;
        this.texts = items("tokens").stream()
                .map(value -> value instanceof GgufValue.Text(String text) ? text : "")
                .toList();
        this.kinds = items("token_type").stream()
                .map(value -> value instanceof GgufValue.Whole whole ? whole.value() : 0L)
                .toList();
    }

    public static TokenizerRebuild of(GgufHeader header) {
        return new TokenizerRebuild(header.metadata());
    }

    /**
     * Puts the ids of the first, last and padding token into a config.json that does not say them. No padding is said
     * too: what transformers takes where nothing is said lies beyond a small vocabulary.
     */
    public void addIds(ObjectNode config) {
        for (String name : List.of("bos", "eos")) {
            id(name).filter(id -> !config.has(name + "_token_id"))
                    .ifPresent(id -> config.put(name + "_token_id", id.intValue()));
        }
        if (!config.has("pad_token_id")) {
            config.putNull("pad_token_id");
            id("padding").ifPresent(id -> config.put("pad_token_id", id.intValue()));
        }
    }

    /**
     * Writes both files, and of SentencePiece's kind a tokenizer.model, which Ollama and llama.cpp's converter read; false,
     * and none, if the keys say no tokenizer that can be made without a guess.
     */
    public boolean write(Path folder) throws IOException {
        Optional<ObjectNode> tokenizer = tokenizer();
        if (tokenizer.isEmpty()) {
            return false;
        }
        DurableFiles.write(folder.resolve(TokenizerJson.FILE), file -> StrictJson.print(tokenizer.get(), file));
        DurableFiles.write(
                folder.resolve("tokenizer_config.json"),
                StrictJson.print(settings(tokenizer.get().path("added_tokens"))).getBytes(StandardCharsets.UTF_8));
        Optional<byte[]> pieces = ofPieces() ? pieces().flatMap(SentencePieceModel::content) : Optional.empty();
        if (pieces.isPresent()) {
            DurableFiles.write(folder.resolve("tokenizer.model"), pieces.get());
        }
        return true;
    }

    /** Empty if a token's kind is none that there is. */
    private Optional<SentencePieceModel> pieces() {
        List<Float> scores = scores();
        List<Token> tokens = new ArrayList<>();
        for (int id = 0; id < texts.size(); id++) {
            Optional<Kind> kind = Kind.of(kinds.get(id));
            if (kind.isEmpty()) {
                return Optional.empty();
            }
            tokens.add(new Token(texts.get(id), scores.get(id), kind.get()));
        }
        Map<String, Integer> ids = new HashMap<>();
        for (String name : List.of("unknown", "bos", "eos", "padding")) {
            id(name).ifPresent(id -> ids.put(name, id.intValue()));
        }
        return Optional.of(new SentencePieceModel(tokens, ids, flag("add_space_prefix", true)));
    }

    private Optional<ObjectNode> tokenizer() {
        boolean complete = !texts.isEmpty()
                && texts.size() == kinds.size()
                && texts.stream().distinct().count() == texts.size();
        ObjectNode json = StrictJson.object();
        json.put("version", "1.0");
        json.putNull("truncation");
        json.putNull("padding");
        ArrayNode added = json.putArray("added_tokens");
        SwallowedSpaces swallowed = SwallowedSpaces.of(keys);
        for (int id = 0; complete && id < texts.size(); id++) {
            if (is(id, Kind.CONTROL) || is(id, Kind.USER_DEFINED) || is(id, Kind.UNKNOWN)) {
                added.addObject()
                        .put("id", id)
                        .put("content", texts.get(id))
                        .put("single_word", false)
                        .put("lstrip", swallowed.before(texts.get(id)))
                        .put("rstrip", swallowed.after(texts.get(id)))
                        .put("normalized", false)
                        .put("special", !is(id, Kind.USER_DEFINED));
            }
        }
        boolean made = complete
                && switch (text(PREFIX + "model").orElse("")) {
                    case "llama" -> sentencePiece(json);
                    case "gpt2" -> byteLevel(json);
                    default -> false;
                };
        return made ? Optional.of(json) : Optional.empty();
    }

    private boolean sentencePiece(ObjectNode json) {
        List<Float> scores = scores();
        if (scores.size() != texts.size() || scores.stream().anyMatch(score -> score.isNaN())) {
            return false;
        }
        ArrayNode normalizers =
                json.putObject("normalizer").put("type", "Sequence").putArray("normalizers");
        if (flag("add_space_prefix", true)) {
            normalizers.addObject().put("type", "Prepend").put("prepend", "\u2581");
        }
        replace(normalizers.addObject(), " ", "\u2581");
        json.putNull("pre_tokenizer");
        putAround(json, true, true);
        ArrayNode decoders = json.putObject("decoder").put("type", "Sequence").putArray("decoders");
        replace(decoders.addObject(), "\u2581", " ");
        decoders.addObject().put("type", "ByteFallback");
        decoders.addObject().put("type", "Fuse");
        if (flag("add_space_prefix", true)) {
            decoders.addObject()
                    .put("type", "Strip")
                    .put("content", " ")
                    .put("start", 1)
                    .put("stop", 0);
        }
        ObjectNode model = model(json, true);
        id("unknown").ifPresent(id -> model.put("unk_token", texts.get(id.intValue())));
        Map<String, Integer> vocabulary = new LinkedHashMap<>(putVocabulary(model));
        // A text must not become a control token by merging its letters. Gemma's runs of spaces are user-defined.
        vocabulary.values().removeIf(id -> !is(id, Kind.NORMAL) && !is(id, Kind.USER_DEFINED));
        // llama.cpp's converter spells them with spaces: they are cut out of a text before any merge.
        vocabulary.keySet().removeIf(text -> text.contains(" "));
        model.putPOJO("merges", PieceMerges.of(texts, vocabulary, scores));
        return true;
    }

    private boolean byteLevel(ObjectNode json) {
        String name = PreTokenizer.known(text(PREFIX + "pre").orElse(""));
        Optional<ObjectNode> splitting = PreTokenizer.splitting(name);
        List<GgufValue> merges = items("merges");
        if (splitting.isEmpty() || merges.stream().anyMatch(merge -> !(merge instanceof GgufValue.Text))) {
            return false;
        }
        json.setAll(splitting.get());
        putAround(json, false, PreTokenizer.wholeWords(name));
        json.putObject("decoder")
                .put("type", "ByteLevel")
                .put("add_prefix_space", true)
                .put("trim_offsets", true)
                .put("use_regex", true);
        ObjectNode model = model(json, false);
        model.put("ignore_merges", PreTokenizer.wholeWords(name));
        putVocabulary(model);
        PackedTexts.Builder list = new PackedTexts.Builder();
        for (GgufValue merge : merges) {
            if (merge instanceof GgufValue.Text(String pair)) {
                list.add(pair);
            }
        }
        model.putPOJO("merges", list.build());
        return true;
    }

    private static ObjectNode model(ObjectNode json, boolean byteFallback) {
        ObjectNode model = json.putObject("model").put("type", "BPE");
        model.putNull("dropout");
        model.putNull("unk_token");
        model.putNull("continuing_subword_prefix");
        model.putNull("end_of_word_suffix");
        return model.put("fuse_unk", byteFallback)
                .put("byte_fallback", byteFallback)
                .put("ignore_merges", false);
    }

    /**
     * Rows that only fill the embedding up are no tokens. Added tokens are listed too: one that stands beside the vocabulary
     * alone gets the next id after it from the library, whatever its own is, and SmolLM's are its first.
     */
    private Map<String, Integer> putVocabulary(ObjectNode model) {
        Map<String, Integer> vocabulary = new LinkedHashMap<>();
        for (int id = 0; id < texts.size(); id++) {
            if (!is(id, Kind.UNUSED)) {
                vocabulary.put(texts.get(id), id);
            }
        }
        model.putPOJO("vocab", vocabulary);
        return vocabulary;
    }

    private static void replace(ObjectNode step, String from, String to) {
        step.put("type", "Replace").putObject("pattern").put("String", from);
        step.put("content", to);
    }

    /**
     * The special tokens around a text.
     *
     * @param begins whether llama.cpp starts texts with one where no key says
     */
    private void putAround(ObjectNode json, boolean sentencePiece, boolean begins) {
        List<Integer> around = new ArrayList<>();
        ArrayNode single = StrictJson.object().putArray("single");
        if (flag("add_bos_token", begins)) {
            id("bos").ifPresent(id -> putToken(single, id.intValue(), around));
        }
        single.addObject().putObject("Sequence").put("id", "A").put("type_id", 0);
        if (flag("add_eos_token", false)) {
            id("eos").ifPresent(id -> putToken(single, id.intValue(), around));
        }
        if (around.isEmpty()) {
            json.putObject("post_processor")
                    .put("type", "ByteLevel")
                    .put("add_prefix_space", true)
                    .put("trim_offsets", false)
                    .put("use_regex", true);
            if (sentencePiece) {
                json.putNull("post_processor");
            }
            return;
        }
        ObjectNode processor = json.putObject("post_processor").put("type", "TemplateProcessing");
        processor.set("single", single);
        ArrayNode pair = processor.putArray("pair").addAll(single);
        pair.addObject().putObject("Sequence").put("id", "B").put("type_id", 1);
        ObjectNode special = processor.putObject("special_tokens");
        for (int id : around) {
            ObjectNode token = special.putObject(texts.get(id)).put("id", texts.get(id));
            token.putArray("ids").add(id);
            token.putArray("tokens").add(texts.get(id));
        }
    }

    private void putToken(ArrayNode single, int id, List<Integer> around) {
        single.addObject().putObject("SpecialToken").put("id", texts.get(id)).put("type_id", 0);
        around.add(id);
    }

    private ObjectNode settings(JsonNode added) {
        ObjectNode settings = StrictJson.object();
        // By this name onnxruntime-genai knows pieces: it split Hindi and Tamil elsewhere without.
        boolean pieces = ofPieces();
        boolean gemma = text("general.architecture").orElse("").startsWith("gemma");
        settings.put("tokenizer_class", pieces && gemma ? "GemmaTokenizer" : "PreTrainedTokenizerFast");
        settings.put("clean_up_tokenization_spaces", false);
        Map<String, String> names = new LinkedHashMap<>();
        names.put("bos", "bos_token");
        names.put("eos", "eos_token");
        names.put("unknown", "unk_token");
        names.put("padding", "pad_token");
        names.forEach((key, name) -> id(key).ifPresent(id -> settings.put(name, texts.get(id.intValue()))));
        for (String flag : List.of("add_bos_token", "add_eos_token", "add_space_prefix")) {
            if (keys.get(PREFIX + flag) instanceof GgufValue.Flag(boolean value)) {
                settings.put(flag.replace("space_prefix", "prefix_space"), value);
            }
        }
        if (pieces) {
            // llama.cpp's converter takes from here which pieces of tokenizer.model it looks for in a text.
            ObjectNode decoder = settings.putObject("added_tokens_decoder");
            for (JsonNode token : added) {
                ObjectNode flags = token.deepCopy();
                decoder.set(flags.remove("id").asText(), flags);
            }
        }
        ChatTemplates.of(keys).putSetting(settings);
        return settings;
    }

    private boolean ofPieces() {
        return text(PREFIX + "model").orElse("").equals("llama");
    }

    private List<Float> scores() {
        return items("scores").stream()
                .map(value -> value instanceof GgufValue.Real real ? (float) real.value() : Float.NaN)
                .toList();
    }

    private boolean is(int id, Kind kind) {
        return kinds.get(id) == kind.id();
    }

    private List<GgufValue> items(String key) {
        return keys.get(PREFIX + key) instanceof GgufValue.Items items ? items.values() : List.of();
    }

    private Optional<String> text(String key) {
        return keys.get(key) instanceof GgufValue.Text(String text) ? Optional.of(text) : Optional.empty();
    }

    private boolean flag(String key, boolean absent) {
        return keys.get(PREFIX + key) instanceof GgufValue.Flag(boolean value) ? value : absent;
    }

    private Optional<Long> id(String key) {
        return keys.get(PREFIX + key + "_token_id") instanceof GgufValue.Whole whole
                        && whole.value() >= 0
                        && whole.value() < texts.size()
                ? Optional.of(whole.value())
                : Optional.empty();
    }
}
