package io.millrace.tensors.format.gguf.tokenizer;

import io.millrace.tensors.format.gguf.GgufValue;
import io.millrace.tensors.format.gguf.tokenizer.TokenizerFiles.Added;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/** What a tokenizer does that no key of GGUF says: llama.cpp then splits texts into other tokens than transformers. */
public final class LostTokenization {
    private static final int MOST_NAMED = 3;

    private final List<Added> tokens;
    private final boolean marksFirstAlone;

    /**
     * @param added the added tokens that the file holds
     * @param marksFirstAlone whether the word after a special token has no mark of its start
     */
    LostTokenization(List<Added> added, boolean marksFirstAlone) {
        this.tokens = added.stream()
                .filter(token -> token.takesBefore() || token.takesAfter() || token.wholeWord())
                .toList();
        this.marksFirstAlone = marksFirstAlone;
    }

    /** What to say of a file with these keys, by which llama.cpp knows some tokenizers; empty if it knows all of this one. */
    public Optional<String> in(Map<String, GgufValue> keys) {
        SwallowedSpaces known = SwallowedSpaces.of(keys);
        List<String> lost = new ArrayList<>();
        named(token -> token.takesBefore() && !known.before(token.text()))
                .ifPresent(names -> lost.add("keeps the white space before " + names + " (lstrip)"));
        named(token -> token.takesAfter() && !known.after(token.text()))
                .ifPresent(names -> lost.add("keeps the white space after " + names + " (rstrip)"));
        named(Added::wholeWord).ifPresent(names -> lost.add("finds " + names + " within words too (single_word)"));
        if (marksFirstAlone && !new GgufValue.Flag(false).equals(keys.get("tokenizer.ggml.add_space_prefix"))) {
            lost.add("puts a space after each special token before it splits the text (prepend_scheme 'first')");
        }
        return lost.isEmpty()
                ? Optional.empty()
                : Optional.of("GGUF cannot say all of this tokenizer: llama.cpp " + String.join(", ", lost)
                        + ", so that texts with them become other tokens than in transformers; choose"
                        + " compressed-tensors, which keeps the tokenizer");
    }

    private Optional<String> named(Predicate<Added> lost) {
        List<String> names = tokens.stream()
                .filter(lost)
                .map(token -> "'" + token.text() + "'")
                .toList();
        if (names.isEmpty()) {
            return Optional.empty();
        }
        String first = String.join(", ", names.subList(0, Math.min(names.size(), MOST_NAMED)));
        return Optional.of(
                names.size() <= MOST_NAMED ? first : first + " and " + (names.size() - MOST_NAMED) + " more");
    }
}
