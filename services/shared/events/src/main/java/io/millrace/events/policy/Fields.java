package io.millrace.events.policy;

import io.millrace.events.Device;
import io.millrace.events.policy.Yaml.Entry;
import java.math.BigDecimal;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * A map of a policy file, read key by key. Each key that is asked for becomes known; {@link #done} refuses the rest.
 *
 * @param where names the file in messages
 */
record Fields(String where, Yaml.Mapping mapping, Set<String> known) {
    /** As models are named: it becomes part of keys, where '|' separates. */
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,127}");

    static Fields of(String where, Yaml.Mapping mapping) {
        return new Fields(where, mapping, new LinkedHashSet<>());
    }

    static Fields of(String where, Yaml node, String what) throws PolicyException {
        if (node instanceof Yaml.Mapping mapping) {
            return of(where, mapping);
        }
        throw new PolicyException(at(where, node.line()) + what + " must be a map, found " + node.kind());
    }

    /** Refuses keys that nobody asked for. */
    void done() throws PolicyException {
        for (Entry entry : mapping.entries().values()) {
            if (!known.contains(entry.key())) {
                throw unknown(entry.line(), "key", entry.key(), known);
            }
        }
    }

    Optional<Entry> find(String key) {
        known.add(key);
        return Optional.ofNullable(mapping.entries().get(key));
    }

    Entry require(String key) throws PolicyException {
        return find(key).orElseThrow(() -> missing(key));
    }

    String text(String key) throws PolicyException {
        return scalar(require(key)).text();
    }

    Optional<String> optionalText(String key) throws PolicyException {
        Optional<Entry> entry = find(key);
        return entry.isPresent() ? Optional.of(scalar(entry.get()).text()) : Optional.empty();
    }

    /** A file, named as it is seen from this folder. */
    Path file(String key, Path folder) throws PolicyException {
        Yaml.Scalar scalar = scalar(require(key));
        try {
            return folder.resolve(scalar.text());
        } catch (InvalidPathException e) {
            throw error(
                    scalar.line(),
                    "'" + key + "' is '" + scalar.text() + "', which no file can be called (" + e.getReason()
                            + "); name a file beside the policy");
        }
    }

    Optional<Path> optionalFile(String key, Path folder) throws PolicyException {
        return find(key).isPresent() ? Optional.of(file(key, folder)) : Optional.empty();
    }

    /** A list of single values; empty if the key is not there. */
    List<String> optionalTexts(String key) throws PolicyException {
        if (find(key).isEmpty()) {
            return List.of();
        }
        List<String> texts = new ArrayList<>();
        for (Yaml item : list(key)) {
            if (!(item instanceof Yaml.Scalar scalar)) {
                throw error(item.line(), "'" + key + "' must be a list of single values, found " + item.kind());
            }
            texts.add(scalar.text());
        }
        return texts;
    }

    String name(String key) throws PolicyException {
        Yaml.Scalar scalar = scalar(require(key));
        if (!NAME.matcher(scalar.text()).matches()) {
            throw error(
                    scalar.line(),
                    "'" + scalar.text() + "' is not a name; use 1 to 128 letters, digits, '.', '_' or '-'");
        }
        return scalar.text();
    }

    Device device(String key, Device otherwise) throws PolicyException {
        Optional<Entry> entry = find(key);
        return entry.isPresent() ? checked(entry.get(), Device::new) : otherwise;
    }

    int integer(String key, int otherwise) throws PolicyException {
        Optional<Entry> entry = find(key);
        return entry.isPresent() ? parse(entry.get(), "a whole number", Integer::valueOf) : otherwise;
    }

    int integer(String key, int otherwise, int least) throws PolicyException {
        int value = integer(key, otherwise);
        if (value < least) {
            throw error(require(key).line(), "'" + key + "' is " + value + " but must be at least " + least);
        }
        return value;
    }

    long number(String key, long otherwise) throws PolicyException {
        Optional<Entry> entry = find(key);
        return entry.isPresent() ? parse(entry.get(), "a whole number", Long::valueOf) : otherwise;
    }

    double real(String key, double otherwise) throws PolicyException {
        return optionalReal(key).orElse(otherwise);
    }

    OptionalDouble optionalReal(String key) throws PolicyException {
        Optional<Entry> entry = find(key);
        return entry.isPresent()
                ? OptionalDouble.of(parse(entry.get(), "a number", text -> new BigDecimal(text).doubleValue()))
                : OptionalDouble.empty();
    }

    boolean flag(String key) throws PolicyException {
        Optional<Entry> entry = find(key);
        return entry.isPresent() && choice(entry.get(), Set.of("true", "false")).equals("true");
    }

    /** One of these words. */
    String choice(String key, Collection<String> words, String otherwise) throws PolicyException {
        Optional<Entry> entry = find(key);
        return entry.isPresent() ? choice(entry.get(), words) : otherwise;
    }

    String choice(Entry entry, Collection<String> words) throws PolicyException {
        Yaml.Scalar scalar = scalar(entry);
        if (!words.contains(scalar.text())) {
            throw unknown(scalar.line(), entry.key(), scalar.text(), words);
        }
        return scalar.text();
    }

    List<Yaml> list(String key) throws PolicyException {
        Entry entry = require(key);
        return switch (entry.value()) {
            case Yaml.Sequence sequence when !sequence.items().isEmpty() -> sequence.items();
            case Yaml other ->
                throw error(entry.line(), "'" + key + "' must be a list that is not empty, found " + other.kind());
        };
    }

    Fields map(String key) throws PolicyException {
        return of(where, require(key).value(), "'" + key + "'");
    }

    Yaml.Scalar scalar(Entry entry) throws PolicyException {
        if (entry.value() instanceof Yaml.Scalar scalar) {
            return scalar;
        }
        throw error(
                entry.line(),
                "'" + entry.key() + "' must be a single value, found "
                        + entry.value().kind());
    }

    PolicyException unknown(int line, String what, String found, Collection<String> words) {
        String meant = Nearest.to(found, words)
                .map(word -> "did you mean '" + word + "'? ")
                .orElse("");
        return error(
                line,
                "unknown " + what + " '" + found + "'; " + meant + "known: " + String.join(", ", new TreeSet<>(words)));
    }

    PolicyException error(int line, String message) {
        return new PolicyException(at(where, line) + message);
    }

    /** A required key that is mistyped is both missing and unknown; one message says both. */
    private PolicyException missing(String key) {
        List<String> unread = mapping.entries().keySet().stream()
                .filter(other -> !known.contains(other))
                .toList();
        return error(
                mapping.line(),
                "'" + key + "' is missing"
                        + Nearest.to(key, unread)
                                .map(other -> "; found '" + other + "', did you mean '" + key + "'?")
                                .orElse(""));
    }

    private <T> T checked(Entry entry, Function<String, T> make) throws PolicyException {
        Yaml.Scalar scalar = scalar(entry);
        try {
            return make.apply(scalar.text());
        } catch (IllegalArgumentException e) {
            throw error(scalar.line(), String.valueOf(e.getMessage()));
        }
    }

    private <T> T parse(Entry entry, String what, Function<String, T> parse) throws PolicyException {
        Yaml.Scalar scalar = scalar(entry);
        try {
            return parse.apply(scalar.text());
        } catch (NumberFormatException e) {
            throw error(scalar.line(), "'" + entry.key() + "' is '" + scalar.text() + "' but must be " + what);
        }
    }

    private static String at(String where, int line) {
        return where + ":" + line + ": ";
    }
}
