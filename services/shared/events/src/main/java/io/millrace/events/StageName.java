package io.millrace.events;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** The stages of the pipeline, spelled on the wire and in topic names in lower case. */
public enum StageName {
    PRUNE,
    DISTILL,
    QUANTIZE,
    BENCHMARK;

    private final String wireName = name().toLowerCase(Locale.ROOT);

    public String wireName() {
        return wireName;
    }

    public static Optional<StageName> named(String wireName) {
        return Arrays.stream(values())
                .filter(stage -> stage.wireName().equals(wireName))
                .findFirst();
    }
}
