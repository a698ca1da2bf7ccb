package io.millrace.events.policy;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** Finds the word that was probably meant. */
public final class Nearest {
    private Nearest() {}

    /** The known word with the fewest changed letters, if it is near enough to be a slip. */
    public static Optional<String> to(String found, Collection<String> known) {
        return known.stream()
                .min(Comparator.<String>comparingInt(word -> distance(found, word))
                        .thenComparing(word -> word))
                .filter(word -> distance(found, word) <= Math.max(2, word.length() / 3));
    }

    /** Levenshtein's distance: letters inserted, removed or replaced. */
    private static int distance(String a, String b) {
        int[] previous = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            previous[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int[] current = new int[b.length() + 1];
            current[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replaced = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                current[j] = Math.min(replaced, 1 + Math.min(previous[j], current[j - 1]));
            }
            previous = current;
        }
        return previous[b.length()];
    }
}
