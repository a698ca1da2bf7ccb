package io.millrace.tensors.format.gguf.tokenizer;

import io.millrace.tensors.format.gguf.tokenizer.TokenizerFiles.Added;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Added tokens that a text may hold across each other. llama.cpp looks for the longest first, throughout the text. The
 * tokenizer takes the one that begins first, and those that it looks for before the text is normalized before all others.
 */
final class OverlappingTokens {
    /** Of a token's text, at either end: enough for any that is met. */
    private static final int MOST_SHARED = 32;

    private static final Comparator<Added> BY_SIZE = Comparator.comparingInt(OverlappingTokens::size);

    private final Map<String, Added> shortest = new HashMap<>();
    private final Map<String, Added> longest = new HashMap<>();

    private OverlappingTokens() {}

    /** A sentence on the first two; empty if there are none. */
    static Optional<String> of(List<Added> added) {
        OverlappingTokens tokens = new OverlappingTokens();
        // Spaces and line breaks in runs of several lengths: the longest is the one that begins first.
        List<Added> varied = added.stream()
                .filter(token -> token.text().chars().distinct().count() > 1)
                .toList();
        varied.forEach(tokens::put);
        return varied.stream()
                .flatMap(token -> tokens.after(token).stream())
                .findFirst()
                .or(() -> within(added));
    }

    private void put(Added token) {
        for (int end = 1; end < token.text().length() && end <= MOST_SHARED; end++) {
            String start = key(token.normalized(), token.text().substring(0, end));
            shortest.merge(start, token, (a, b) -> BY_SIZE.compare(a, b) <= 0 ? a : b);
            longest.merge(start, token, (a, b) -> BY_SIZE.compare(a, b) >= 0 ? a : b);
        }
    }

    /** A token that begins within this one's text and of which llama.cpp finds the other one of the two. */
    private Optional<String> after(Added token) {
        String text = token.text();
        for (int at = text.length() - 1; at > 0 && text.length() - at <= MOST_SHARED; at--) {
            String end = text.substring(at);
            Added same = longest.get(key(token.normalized(), end));
            if (same != null && same.id() != token.id() && size(same) >= size(token)) {
                return Optional.of(sentence(same, token));
            }
            Added other = token.normalized() ? shortest.get(key(false, end)) : longest.get(key(true, end));
            if (other != null && (token.normalized() ? size(token) >= size(other) : size(other) >= size(token))) {
                return Optional.of(token.normalized() ? sentence(token, other) : sentence(other, token));
            }
        }
        return Optional.empty();
    }

    /** A token that is looked for first, within one that is looked for once the text is normalized. */
    private static Optional<String> within(List<Added> added) {
        Map<String, Added> first = new HashMap<>();
        Set<Integer> lengths = new HashSet<>();
        for (Added token : added) {
            if (!token.normalized() && token.text().length() <= MOST_SHARED) {
                first.put(token.text(), token);
                lengths.add(token.text().length());
            }
        }
        for (Added token : added) {
            for (int at = 0; token.normalized() && at < token.text().length(); at++) {
                for (int length : lengths) {
                    int end = at + length;
                    Added inner = end <= token.text().length()
                                    && length < token.text().length()
                            ? first.get(token.text().substring(at, end))
                            : null;
                    if (inner != null) {
                        return Optional.of(sentence(token, inner));
                    }
                }
            }
        }
        return Optional.empty();
    }

    private static String sentence(Added found, Added instead) {
        return "finds '" + found.text() + "' where a text holds it and '" + instead.text() + "' across each other";
    }

    private static String key(boolean normalized, String text) {
        return (normalized ? "n" : "r") + text;
    }

    private static int size(Added token) {
        return token.text().getBytes(StandardCharsets.UTF_8).length;
    }
}
