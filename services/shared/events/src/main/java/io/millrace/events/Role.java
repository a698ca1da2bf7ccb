package io.millrace.events;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** What an input is to a job. Part of the job key: never rename one. */
public enum Role {
    /** The model to work on. */
    MODEL,
    /** The checkpoint as training published it: a distiller's teacher, a benchmark's baseline. */
    ORIGINAL,
    /** Held-out text, one file. */
    EVALUATION_TEXT,
    /** Text to calibrate or distill on, one file. */
    CALIBRATION_TEXT,
    /** An importance matrix. */
    IMPORTANCE,
    /** A part of a larger computation. */
    PART;

    public String wireName() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    public static Optional<Role> named(String wireName) {
        return Arrays.stream(values())
                .filter(role -> role.wireName().equals(wireName))
                .findFirst();
    }
}
