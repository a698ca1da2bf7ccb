package io.millrace.tensors.format.gguf.tokenizer;

import io.millrace.tensors.format.gguf.GgufValue;
import io.millrace.tensors.format.gguf.tokenizer.Vocabulary.Kind;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What the {@code tokenizer.*} keys of a GGUF file say; a key of another type than llama.cpp's counts as absent. */
final class StoredTokenizer {
    private static final String PREFIX = "tokenizer.ggml.";

    private final Map<String, GgufValue> keys;
    private final List<String> texts;
    private final List<Long> kinds;

    StoredTokenizer(Map<String, GgufValue> keys) {
        this.keys = keys;
        this.texts = items("tokens").stream()
                .map(value -> value instanceof GgufValue.Text(String text) ? text : "")
                .toList();
        this.kinds = items("token_type").stream()
                .map(value -> value instanceof GgufValue.Whole whole ? whole.value() : 0L)
                .toList();
    }

    /** Texts that differ, each of some kind: without them nothing can be made of the rest. */
    boolean isComplete() {
        return !texts.isEmpty()
                && texts.size() == kinds.size()
                && texts.stream().distinct().count() == texts.size();
    }

    /** By id. */
    List<String> texts() {
        return texts;
    }

    boolean is(int id, Kind kind) {
        return kinds.get(id) == kind.id();
    }

    /** Empty if it is none that there is. */
    Optional<Kind> kind(int id) {
        return Kind.of(kinds.get(id));
    }

    /** By id; NaN where there is no number. */
    List<Float> scores() {
        return items("scores").stream()
                .map(value -> value instanceof GgufValue.Real real ? (float) real.value() : Float.NaN)
                .toList();
    }

    List<GgufValue> merges() {
        return items("merges");
    }

    /** {@code llama} of SentencePiece's pieces, {@code gpt2} of bytes. */
    String model() {
        return text(PREFIX + "model").orElse("");
    }

    boolean ofPieces() {
        return model().equals("llama");
    }

    /** How texts are split before they are merged, by llama.cpp's name. */
    String preTokenizer() {
        return text(PREFIX + "pre").orElse("");
    }

    boolean ofGemma() {
        return text("general.architecture").orElse("").startsWith("gemma");
    }

    boolean flag(String name, boolean absent) {
        return flag(name).orElse(absent);
    }

    Optional<Boolean> flag(String name) {
        return keys.get(PREFIX + name) instanceof GgufValue.Flag(boolean value) ? Optional.of(value) : Optional.empty();
    }

    /** Of a token with a role, such as {@code bos}; empty if that is no token here. */
    Optional<Integer> id(String role) {
        return keys.get(PREFIX + role + "_token_id") instanceof GgufValue.Whole whole
                        && whole.value() >= 0
                        && whole.value() < texts.size()
                ? Optional.of((int) whole.value())
                : Optional.empty();
    }

    SwallowedSpaces swallowedSpaces() {
        return SwallowedSpaces.of(keys);
    }

    ChatTemplates chatTemplates() {
        return ChatTemplates.of(keys);
    }

    private List<GgufValue> items(String name) {
        return keys.get(PREFIX + name) instanceof GgufValue.Items items ? items.values() : List.of();
    }

    private Optional<String> text(String key) {
        return keys.get(key) instanceof GgufValue.Text(String text) ? Optional.of(text) : Optional.empty();
    }
}
