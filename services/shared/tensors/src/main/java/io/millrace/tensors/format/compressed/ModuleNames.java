package io.millrace.tensors.format.compressed;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** Modules as a configuration lists them: by name, or by a pattern behind {@code re:} that a name must begin with. */
final class ModuleNames {
    private static final String PATTERN = "re:";
    private static final int LONGEST_PATTERN = 500;

    /** Steps of a match; patterns of real models need a few hundred. */
    private static final int MOST_STEPS = 100_000;

    private final Set<String> names = new HashSet<>();
    private final List<Pattern> patterns = new ArrayList<>();

    /** {@link IllegalArgumentException} says what is wrong with a pattern. */
    ModuleNames(List<String> listed) {
        for (String entry : listed) {
            if (entry.startsWith(PATTERN)) {
                patterns.add(pattern(entry.substring(PATTERN.length())));
            } else {
                names.add(entry);
            }
        }
    }

    private static Pattern pattern(String text) {
        if (text.length() > LONGEST_PATTERN) {
            throw new IllegalArgumentException(
                    "a pattern of " + text.length() + " characters, expected at most " + LONGEST_PATTERN);
        }
        try {
            return Pattern.compile(text);
        } catch (PatternSyntaxException problem) {
            throw new IllegalArgumentException(
                    "the pattern '" + text + "', which is wrong at " + problem.getIndex() + ": "
                            + problem.getDescription(),
                    problem);
        }
    }

    boolean lists(String module) {
        return names.contains(module);
    }

    /** {@link IllegalArgumentException} if a pattern from outside would take forever. */
    boolean matches(String module) {
        return patterns.stream().anyMatch(pattern -> matches(pattern, module));
    }

    /** The first by the alphabet of the patterns that match, as {@link #matches} does. */
    Optional<String> leastMatch(String module) {
        return patterns.stream()
                .filter(pattern -> matches(pattern, module))
                .map(Pattern::pattern)
                .min(Comparator.naturalOrder());
    }

    private static boolean matches(Pattern pattern, String module) {
        return pattern.matcher(new Counted(module, new AtomicInteger())).lookingAt();
    }

    /** Ends a match that looks at characters again and again. */
    private static final class Counted implements CharSequence {
        private final CharSequence text;
        private final AtomicInteger steps;

        Counted(CharSequence text, AtomicInteger steps) {
            this.text = text;
            this.steps = steps;
        }

        @Override
        public char charAt(int index) {
            if (steps.incrementAndGet() > MOST_STEPS) {
                throw new IllegalArgumentException("a pattern that takes more than " + MOST_STEPS
                        + " steps on the name '" + text + "'; write it with fewer repetitions");
            }
            return text.charAt(index);
        }

        @Override
        public int length() {
            return text.length();
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            return new Counted(text.subSequence(start, end), steps);
        }

        @Override
        public String toString() {
            return text.toString();
        }
    }
}
