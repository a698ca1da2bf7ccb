package io.millrace.events;

import java.util.Set;
import java.util.TreeSet;

/** Refuses parameters that no stage can work with, by their names. */
final class Require {
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
}
