package io.millrace.tensors.format.gguf.tokenizer;

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
    private final StoredTokenizer stored;
    private final List<String> texts;

    private TokenizerRebuild(StoredTokenizer stored) {
        this.stored = stored;
        this.texts = stored.texts();
    }

    public static TokenizerRebuild of(GgufHeader header) {
        return new TokenizerRebuild(new StoredTokenizer(header.metadata()));
    }

    /**
     * Puts the ids of the first, last and padding token into a config.json that does not say them. No padding is said
     * too: what transformers takes where nothing is said lies beyond a small vocabulary.
     */
    public void addIds(ObjectNode config) {
        for (String name : List.of("bos", "eos")) {
            stored.id(name)
                    .filter(_ -> !config.has(name + "_token_id"))
                    .ifPresent(id -> config.put(name + "_token_id", id));
        }
        if (!config.has("pad_token_id")) {
            config.putNull("pad_token_id");
            stored.id("padding").ifPresent(id -> config.put("pad_token_id", id));
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
                StrictJson.print(new TokenizerSettings(stored)
                                .json(tokenizer.get().path("added_tokens")))
                        .getBytes(StandardCharsets.UTF_8));
        Optional<byte[]> pieces = stored.ofPieces() ? pieces().flatMap(SentencePieceModel::content) : Optional.empty();
        if (pieces.isPresent()) {
            DurableFiles.write(folder.resolve("tokenizer.model"), pieces.get());
        }
        return true;
    }

    /** Empty if a token's kind is none that there is. */
    private Optional<SentencePieceModel> pieces() {
        List<Float> scores = stored.scores();
        List<Token> tokens = new ArrayList<>();
        for (int id = 0; id < texts.size(); id++) {
            Optional<Kind> kind = stored.kind(id);
            if (kind.isEmpty()) {
                return Optional.empty();
            }
            tokens.add(new Token(texts.get(id), scores.get(id), kind.get()));
        }
        Map<String, Integer> ids = new HashMap<>();
        for (String name : List.of("unknown", "bos", "eos", "padding")) {
            stored.id(name).ifPresent(id -> ids.put(name, id));
        }
        return Optional.of(new SentencePieceModel(tokens, ids, stored.flag("add_space_prefix", true)));
    }

    private Optional<ObjectNode> tokenizer() {
        if (!stored.isComplete()) {
            return Optional.empty();
        }
        ObjectNode json = StrictJson.object();
        json.put("version", "1.0");
        json.putNull("truncation");
        json.putNull("padding");
        ArrayNode added = json.putArray("added_tokens");
        SwallowedSpaces swallowed = stored.swallowedSpaces();
        for (int id = 0; id < texts.size(); id++) {
            if (stored.is(id, Kind.CONTROL) || stored.is(id, Kind.USER_DEFINED) || stored.is(id, Kind.UNKNOWN)) {
                added.addObject()
                        .put("id", id)
                        .put("content", texts.get(id))
                        .put("single_word", false)
                        .put("lstrip", swallowed.before(texts.get(id)))
                        .put("rstrip", swallowed.after(texts.get(id)))
                        .put("normalized", false)
                        .put("special", !stored.is(id, Kind.USER_DEFINED));
            }
        }
        boolean made = switch (stored.model()) {
            case "llama" -> sentencePiece(json);
            case "gpt2" -> byteLevel(json);
            default -> false;
        };
        return made ? Optional.of(json) : Optional.empty();
    }

    private boolean sentencePiece(ObjectNode json) {
        List<Float> scores = stored.scores();
        if (scores.size() != texts.size() || scores.stream().anyMatch(score -> score.isNaN())) {
            return false;
        }
        ArrayNode normalizers =
                json.putObject("normalizer").put("type", "Sequence").putArray("normalizers");
        if (stored.flag("add_space_prefix", true)) {
            normalizers.addObject().put("type", "Prepend").put("prepend", "\u2581");
        }
        replace(normalizers.addObject(), " ", "\u2581");
        json.putNull("pre_tokenizer");
        new SurroundingTokens(stored).put(json, true);
        ArrayNode decoders = json.putObject("decoder").put("type", "Sequence").putArray("decoders");
        replace(decoders.addObject(), "\u2581", " ");
        decoders.addObject().put("type", "ByteFallback");
        decoders.addObject().put("type", "Fuse");
        if (stored.flag("add_space_prefix", true)) {
            decoders.addObject()
                    .put("type", "Strip")
                    .put("content", " ")
                    .put("start", 1)
                    .put("stop", 0);
        }
        ObjectNode model = model(json, true);
        stored.id("unknown").ifPresent(id -> model.put("unk_token", texts.get(id)));
        Map<String, Integer> vocabulary = new LinkedHashMap<>(putVocabulary(model));
        // A text must not become a control token by merging its letters. Gemma's runs of spaces are user-defined.
        vocabulary.values().removeIf(id -> !stored.is(id, Kind.NORMAL) && !stored.is(id, Kind.USER_DEFINED));
        // llama.cpp's converter spells them with spaces: they are cut out of a text before any merge.
        vocabulary.keySet().removeIf(text -> text.contains(" "));
        model.putPOJO("merges", PieceMerges.of(texts, vocabulary, scores));
        return true;
    }

    private boolean byteLevel(ObjectNode json) {
        String name = PreTokenizer.known(stored.preTokenizer());
        Optional<ObjectNode> splitting = PreTokenizer.splitting(name);
        List<GgufValue> merges = stored.merges();
        if (splitting.isEmpty() || merges.stream().anyMatch(merge -> !(merge instanceof GgufValue.Text))) {
            return false;
        }
        json.setAll(splitting.get());
        new SurroundingTokens(stored).put(json, PreTokenizer.wholeWords(name));
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
            if (!stored.is(id, Kind.UNUSED)) {
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
}
