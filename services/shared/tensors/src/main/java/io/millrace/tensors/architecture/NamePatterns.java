package io.millrace.tensors.architecture;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.MalformedFileException.Kind;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Patterns by which people choose among a model's names. One that chooses nothing is a slip of the pen, and the model would
 * be compressed otherwise than its author believes.
 */
public final class NamePatterns {
    private static final int SUGGESTED = 3;
    private static final Pattern NUMBERS = Pattern.compile("\\d+");

    private NamePatterns() {}

    /**
     * Refuses a pattern that is found in no name, with the nearest names that there are.
     *
     * @param option what the pattern was given as, as people write it
     * @param names in the model's order
     */
    public static void requireFound(String option, Pattern pattern, List<String> names, ModelConfig config)
            throws MalformedFileException {
        if (names.stream().anyMatch(name -> pattern.matcher(name).find())) {
            return;
        }
        throw new MalformedFileException(
                Kind.UNMATCHED_PATTERN,
                config.architecture().className(),
                "'" + option + "' " + pattern + " is found in none of the model's " + names.size()
                        + " names, expected at least one; near it are '"
                        + String.join("', '", nearest(pattern.pattern(), names)) + "'");
    }

    /** One name of each kind, that of the first layer for example, by how few letters keep the text from being in it. */
    private static List<String> nearest(String text, List<String> names) {
        Map<String, String> kinds = new LinkedHashMap<>();
        names.forEach(name -> kinds.putIfAbsent(NUMBERS.matcher(name).replaceAll("#"), name));
        return kinds.values().stream()
                .sorted(Comparator.comparingInt(name -> distance(text, name)))
                .limit(SUGGESTED)
                .toList();
    }

    /** The fewest letters to insert, remove or replace until the text is a part of the name (Sellers, 1980). */
    private static int distance(String text, String name) {
        int[] above = new int[name.length() + 1];
        for (int i = 1; i <= text.length(); i++) {
            int[] row = new int[name.length() + 1];
            row[0] = i;
            for (int j = 1; j <= name.length(); j++) {
                int replaced = above[j - 1] + (text.charAt(i - 1) == name.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(replaced, 1 + Math.min(above[j], row[j - 1]));
            }
            above = row;
        }
        return Arrays.stream(above).min().orElse(0);
    }
}
