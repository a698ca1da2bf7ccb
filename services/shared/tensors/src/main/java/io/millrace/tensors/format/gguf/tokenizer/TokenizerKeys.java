package io.millrace.tensors.format.gguf.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.format.gguf.GgufValue;
import io.millrace.tensors.format.gguf.tokenizer.Vocabulary.Token;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** The {@code tokenizer.*} keys of a GGUF file, from the files of a checkpoint's folder. */
public final class TokenizerKeys {
    private static final String PREFIX = "tokenizer.ggml.";

    private final TokenizerFiles files;
    private final ModelConfig config;
    private final Vocabulary vocabulary;
    private final Map<String, Integer> added = new HashMap<>();
    private final Map<String, GgufValue> keys = new LinkedHashMap<>();

    private TokenizerKeys(TokenizerFiles files, ModelConfig config) throws IOException {
        this.files = files;
        this.config = config;
        this.vocabulary = VocabularyReader.read(files, config.vocabularySize());
        for (TokenizerFiles.Added token : files.added()) {
            added.putIfAbsent(token.text(), token.id());
        }
    }

    /**
     * What is written of a tokenizer, and what cannot be.
     *
     * @param keys of the file, one token per row of the embedding
     */
    public record Written(Map<String, GgufValue> keys, LostTokenization lost) {}

    public static Written of(Path folder, ModelConfig config) throws IOException {
        TokenizerKeys keys = new TokenizerKeys(TokenizerFiles.in(folder), config);
        letGo();
        keys.putVocabulary();
        keys.putSpecialTokens();
        keys.putFlags();
        ChatTemplates.of(keys.files).putKeys(keys.keys);
        letGo();
        return new Written(keys.keys, keys.lost());
    }

    /**
     * What reading the vocabulary and looking at it leaves behind, each once: the serial collector enlarges the heap rather
     * than look for it, by 30 MiB for Gemma's 262,144 tokens.
     */
    private static void letGo() {
        System.gc();
    }

    private LostTokenization lost() throws MalformedFileException {
        int rows = vocabulary.tokens().size();
        WordMarks marks = vocabulary.model().equals("llama") ? WordMarks.of(files.tokenizer()) : WordMarks.NONE;
        PostProcessor around = PostProcessor.of(files.tokenizer());
        return new LostTokenization(
                files.added().stream().filter(token -> token.id() < rows).toList(),
                marks,
                marks.parted(vocabulary.tokens()),
                Stream.of(
                                LostTokenization.leftOut(
                                        leftOut("add_bos_token", around.before(), "bos_token"), "before"),
                                LostTokenization.leftOut(
                                        leftOut("add_eos_token", around.after(), "eos_token"), "after"),
                                LostPieces.of(
                                        files,
                                        vocabulary,
                                        !new GgufValue.Flag(false).equals(keys.get(PREFIX + "add_space_prefix"))),
                                OverlappingTokens.of(files.added()).stream().toList(),
                                PreTokenizer.lost(vocabulary.splitting()).stream()
                                        .toList())
                        .flatMap(List::stream)
                        .toList());
    }

    private void putVocabulary() {
        List<Token> tokens = vocabulary.tokens();
        keys.put(PREFIX + "model", GgufValue.text(vocabulary.model()));
        keys.put(PREFIX + "pre", GgufValue.text(vocabulary.splitting()));
        keys.put(
                PREFIX + "tokens",
                GgufValue.texts(tokens.stream().map(Token::text).toList()));
        if (vocabulary.model().equals("llama")) {
            keys.put(
                    PREFIX + "scores",
                    GgufValue.f32s(tokens.stream().map(Token::score).toList()));
        }
        keys.put(
                PREFIX + "token_type",
                GgufValue.i32s(tokens.stream().map(token -> token.kind().id()).toList()));
        if (vocabulary.model().equals("gpt2")) {
            keys.put(PREFIX + "merges", GgufValue.texts(vocabulary.merges()));
        }
    }

    private void putSpecialTokens() {
        putId("bos", "bos");
        List<Integer> ends = EndTokens.stated(files, config);
        Optional<Integer> end = files.special("eos_token")
                .map(added::get)
                .or(() -> ends.stream().findFirst());
        end.ifPresent(id -> put("eos_token_id", id));
        endOfTurn(ends, end).ifPresent(id -> put("eot_token_id", id));
        putId("unk", "unknown");
        putId("sep", "seperator");
        putId("pad", "padding");
    }

    private void putId(String name, String key) {
        JsonNode number = config.json().path(name + "_token_id");
        Optional<Integer> id = files.special(name + "_token").map(added::get).or(() -> WholeIds.of(number));
        id.ifPresent(value -> put(key + "_token_id", value));
    }

    private void put(String key, int id) {
        // A stray -1 or an id beyond the vocabulary would make the reader fail.
        if (id >= 0 && id < vocabulary.tokens().size()) {
            keys.put(PREFIX + key, GgufValue.u32(id));
        }
    }

    /**
     * A chat model may end its turn with another token than its text; GGUF has one key for each. Of several ends that of
     * the turn is known by its text: Qwen lists {@code <|endoftext|>} too, and Phi-3 {@code <|assistant|>}.
     */
    private Optional<Integer> endOfTurn(List<Integer> ends, Optional<Integer> endOfText) {
        Predicate<Integer> another = id -> !endOfText.equals(Optional.of(id));
        return EndTokens.ENDS_OF_TURN.stream()
                .map(added::get)
                .filter(ends::contains)
                .findFirst()
                .or(() -> ends.stream().filter(another).findFirst())
                .filter(another);
    }

    private void putFlags() {
        PostProcessor around = PostProcessor.of(files.tokenizer());
        putFlag("add_bos_token", around.before(), "bos_token");
        putFlag("add_eos_token", around.after(), "eos_token");
        if (!vocabulary.model().equals("llama")) {
            return;
        }
        JsonNode stated = files.config().path("add_prefix_space");
        boolean prepends = files.tokenizer().isEmpty()
                ? vocabulary.preparation().prefix()
                : WordMarks.prependsSpace(files.tokenizer());
        if (stated.isBoolean()) {
            boolean counts = files.tokenizer().isEmpty() || TokenFlags.remake(files);
            keys.put(PREFIX + "add_space_prefix", new GgufValue.Flag(counts ? stated.asBoolean() : prepends));
        } else if (!prepends) {
            keys.put(PREFIX + "add_space_prefix", new GgufValue.Flag(false));
        }
    }

    private void putFlag(String key, List<String> inTemplate, String token) {
        if (flagDecides(key)) {
            keys.put(PREFIX + key, new GgufValue.Flag(files.config().path(key).asBoolean()));
        } else if (!files.tokenizer().isEmpty()) {
            keys.put(PREFIX + key, new GgufValue.Flag(inTemplate.stream().anyMatch(text -> is(text, token))));
        }
    }

    private boolean flagDecides(String key) {
        return files.config().path(key).isBoolean() && TokenFlags.decide(files);
    }

    /** The tokens beside a text that llama.cpp, which knows one before it and one after it, does not put there. */
    private List<String> leftOut(String key, List<String> inTemplate, String token) {
        List<String> left = new ArrayList<>(flagDecides(key) ? List.of() : inTemplate);
        left.stream().filter(text -> is(text, token)).findFirst().ifPresent(left::remove);
        return left;
    }

    /** Whether a token's text is that of {@code bos_token} or another; where no text is stated, by the id that is written. */
    private boolean is(String text, String token) {
        return files.special(token)
                .map(text::equals)
                .orElseGet(() -> added.containsKey(text)
                        && GgufValue.u32(added.get(text)).equals(keys.get(PREFIX + token + "_id")));
    }
}
