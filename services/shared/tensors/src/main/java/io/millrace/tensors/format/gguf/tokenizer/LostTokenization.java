package io.millrace.tensors.format.gguf.tokenizer;

import io.millrace.tensors.format.gguf.GgufValue;
import io.millrace.tensors.format.gguf.tokenizer.TokenizerFiles.Added;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** What a tokenizer does that no key of GGUF says: llama.cpp then splits texts into other tokens than transformers. */
public final class LostTokenization {
    private static final int MOST_NAMED = 3;

    private final List<Added> tokens;
    private final WordMarks marks;
    private final Optional<String> parted;
    private final List<String> more;

    /**
     * @param added the added tokens that the file holds
     * @param marks how the starts of words are marked
     * @param parted a piece that no text becomes, since each mark begins a part of it
     * @param more what else llama.cpp does
     */
    LostTokenization(List<Added> added, WordMarks marks, Optional<String> parted, List<String> more) {
        this.tokens = added.stream()
                .filter(token -> token.takesBefore()
                        || token.takesAfter()
                        || token.wholeWord()
                        || (token.normalized() && marks.prepend()))
                .toList();
        this.marks = marks;
        this.parted = parted;
        this.more = List.copyOf(more);
    }

    /** Of tokens that belong before or after each text. */
    static List<String> leftOut(List<String> tokens, String where) {
        return tokens.isEmpty() ? List.of() : List.of("leaves out " + named(tokens) + " " + where + " each text");
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
        if (!new GgufValue.Flag(false).equals(keys.get("tokenizer.ggml.add_space_prefix"))) {
            named(token -> token.normalized() && marks.prepend())
                    .ifPresent(names -> lost.add(
                            "finds " + names + " without a space before it too, and puts one after it (normalized)"));
            ofScheme().ifPresent(lost::add);
        }
        parted.ifPresent(piece -> lost.add("joins what a space parts, as in '" + piece + "' (split)"));
        lost.addAll(more);
        return lost.isEmpty()
                ? Optional.empty()
                : Optional.of("GGUF cannot say all of this tokenizer: llama.cpp " + String.join(", ", lost)
                        + ", so that such texts become other tokens than in transformers; choose"
                        + " compressed-tensors, which keeps the tokenizer");
    }

    /** llama.cpp puts a space at the start and after each token that it finds in the text, whatever follows. */
    private Optional<String> ofScheme() {
        return switch (marks.scheme()) {
            case "always" ->
                Optional.of("puts a second space before a text that begins with one, and before such text after a"
                        + " special token (prepend_scheme 'always')");
            case "first" ->
                Optional.of("puts a space after each special token, and a second one before a text that begins with"
                        + " one (prepend_scheme 'first')");
            default -> Optional.empty();
        };
    }

    private Optional<String> named(Predicate<Added> lost) {
        List<String> names = tokens.stream().filter(lost).map(Added::text).toList();
        return names.isEmpty() ? Optional.empty() : Optional.of(named(names));
    }

    /** The first few of several texts. */
    static String named(List<String> texts) {
        String first =
                texts.stream().limit(MOST_NAMED).map(text -> "'" + text + "'").collect(Collectors.joining(", "));
        return texts.size() <= MOST_NAMED ? first : first + " and " + (texts.size() - MOST_NAMED) + " more";
    }
}
