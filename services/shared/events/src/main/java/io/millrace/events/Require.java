package io.millrace.events;

import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** Refuses parameters that no stage can work with, by their names. */
final class Require {
    private static final int LONGEST_PATTERN = 256;

    private Require() {}

    static void between(String name, double value, double least, double most) {
        if (!(value >= least && value <= most)) {
            throw new IllegalArgumentException(
                    "'" + name + "' is " + value + " but must lie in " + least + " to " + most);
        }
    }

    static void known(String what, String found, Set<String> known) {
        if (!known.contains(found)) {
            throw new IllegalArgumentException(
                    "unknown " + what + " '" + found + "'; known: " + String.join(", ", new TreeSet<>(known)));
        }
    }

    /** @param what is named, such as {@code tensor names} */
    static void pattern(String what, String pattern, String example) {
        if (pattern.isEmpty() || pattern.length() > LONGEST_PATTERN) {
            throw new IllegalArgumentException("a pattern of " + what + " has " + pattern.length()
                    + " characters, expected 1 to " + LONGEST_PATTERN);
        }
        try {
            Pattern.compile(pattern);
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException(
                    "'" + pattern + "' is not a pattern of " + what + ": " + e.getDescription()
                            + "; write a regular expression, such as " + example,
                    e);
        }
    }
}
