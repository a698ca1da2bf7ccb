package io.millrace.events.policy;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** Finds the word that was probably meant. */
public final class Nearest {
    private Nearest() {}

    /**
     * The known word that goes on where {@code found} stops, as {@code Q4_K_M} does after {@code Q4_K}; else the one with the
     * fewest changed letters, if it is near enough to be a slip.
     */
    public static Optional<String> to(String found, Collection<String> known) {
        Comparator<String> nearest =
                Comparator.<String>comparingInt(word -> distance(found, word)).thenComparing(word -> word);
        return known.stream()
                .filter(word -> goesOn(found, word))
                .min(nearest)
                .or(() -> known.stream()
                        .min(nearest)
                        .filter(word -> distance(found, word) <= Math.max(2, word.length() / 3)));
    }

    private static boolean goesOn(String found, String word) {
        return !found.isEmpty()
                && word.length() > found.length()
                && word.startsWith(found)
                && "_-".indexOf(word.charAt(found.length())) >= 0;
    }

    /** Letters inserted, removed or replaced, and neighbours that changed places, which is one slip and not two. */
    private static int distance(String a, String b) {
        int[][] changes = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                if (i == 0 || j == 0) {
                    changes[i][j] = i + j;
                    continue;
                }
                int replaced = changes[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                int fewest = Math.min(replaced, 1 + Math.min(changes[i - 1][j], changes[i][j - 1]));
                boolean swapped =
                        i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1);
                changes[i][j] = swapped ? Math.min(fewest, changes[i - 2][j - 2] + 1) : fewest;
            }
        }
        return changes[a.length()][b.length()];
    }
}
