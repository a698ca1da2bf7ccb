package io.millrace.events;

import java.util.List;
import java.util.SortedMap;
import java.util.StringJoiner;

/**
 * Modules of a compressed-tensors folder that get another scheme than the rest, or none.
 *
 * @param byPattern schemes by what the modules' Hugging Face names contain; the first that fits counts
 * @param ignored patterns of modules that stay dense, whatever else speaks of them
 */
public record CompressedModules(List<PatternScheme> byPattern, List<String> ignored) {
    /** All modules alike. */
    public static final CompressedModules ALIKE = new CompressedModules(List.of(), List.of());

    public static final String BY_PATTERN = "module-scheme";
    public static final String IGNORE = "ignore";

    private static final String EXAMPLE = "q_proj|k_proj|v_proj";
    private static final int PATTERNS_SHOWN = 3;
    private static final int MOST_PATTERNS = 256;

    /**
     * Modules in whose name the pattern is found get the scheme.
     *
     * @param pattern a regular expression, such as {@value #EXAMPLE}
     */
    public record PatternScheme(String pattern, String scheme) {
        public PatternScheme {
            Require.known("compressed-tensors scheme", scheme, Parameters.CompressedTensors.TYPES);
            Require.pattern("module names", pattern, EXAMPLE);
        }

        /** Reads {@link #toString}: the scheme is behind the last {@code =}, since a pattern may hold some. */
        public static PatternScheme parse(String text) {
            int equals = text.lastIndexOf('=');
            if (equals < 0) {
                throw new IllegalArgumentException("'" + text + "' is not PATTERN=SCHEME, such as down_proj=W8A16");
            }
            return new PatternScheme(text.substring(0, equals), text.substring(equals + 1));
        }

        @Override
        public String toString() {
            return pattern + "=" + scheme;
        }
    }

    public CompressedModules {
        byPattern = List.copyOf(byPattern);
        ignored = List.copyOf(ignored);
        ignored.forEach(pattern -> Require.pattern("module names", pattern, EXAMPLE));
        if (byPattern.size() + ignored.size() > MOST_PATTERNS) {
            throw new IllegalArgumentException(
                    byPattern.size() + ignored.size() + " patterns of module names, expected at most " + MOST_PATTERNS);
        }
    }

    /** Whether nothing is said: then the scheme holds for every module. */
    public boolean alike() {
        return byPattern.isEmpty() && ignored.isEmpty();
    }

    /** What is asked for is written, what is not leaves no trace: the keys of older jobs stay as they are. */
    void describe(SortedMap<String, Object> values) {
        if (!byPattern.isEmpty()) {
            values.put(
                    BY_PATTERN, byPattern.stream().map(PatternScheme::toString).toList());
        }
        if (!ignored.isEmpty()) {
            values.put(IGNORE, ignored);
        }
    }

    /** For people: {@code , down_proj=W8A16, dense o_proj}; empty if all are alike. */
    String summary() {
        StringJoiner summary = new StringJoiner(", ", ", ", "").setEmptyValue("");
        if (byPattern.size() + ignored.size() > PATTERNS_SHOWN) {
            return summary.add(byPattern.size() + ignored.size() + " patterns of modules")
                    .toString();
        }
        byPattern.forEach(other -> summary.add(other.toString()));
        ignored.forEach(pattern -> summary.add("dense " + pattern));
        return summary.toString();
    }
}
