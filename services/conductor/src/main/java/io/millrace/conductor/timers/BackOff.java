package io.millrace.conductor.timers;

import java.time.Duration;

/** Pauses that double from the first to the longest. */
public record BackOff(Duration first, Duration longest) {
    /** A worker that asks for a longer pause than this is not believed. */
    public static final Duration LONGEST_RETRY_AFTER = Duration.ofHours(1);

    public BackOff {
        if (first.isNegative() || first.isZero() || first.compareTo(longest) > 0) {
            throw new IllegalArgumentException("pauses grow from " + first + " to " + longest);
        }
    }

    /**
     * @param before pauses that came before this one
     * @param atLeast what the worker asked for, kept up to {@link #LONGEST_RETRY_AFTER}
     */
    public Duration pause(int before, Duration atLeast) {
        Duration pause = first;
        for (int i = 0; i < before && pause.compareTo(longest) < 0; i++) {
            pause = pause.multipliedBy(2);
        }
        Duration own = min(pause, longest);
        Duration asked = min(atLeast, LONGEST_RETRY_AFTER);
        return asked.compareTo(own) > 0 ? asked : own;
    }

    private static Duration min(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }
}
