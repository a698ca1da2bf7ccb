package io.millrace.events;

import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Which models are compressed, for which targets.
 *
 * @param models a pattern in which {@code *} stands for any characters
 * @param revision raised by each apply
 * @param backfill how many of the newest checkpoints a new or changed policy plans; 1 is the newest only
 */
public record Policy(String name, String models, OnNewer onNewer, List<Target> targets, long revision, int backfill)
        implements Event {
    /** What a newer checkpoint does to older runs that have not started. */
    public enum OnNewer {
        KEEP,
        SUPERSEDE
    }

    public Policy {
        targets = List.copyOf(targets);
        if (targets.isEmpty()) {
            throw new IllegalArgumentException("policy '" + name + "' has no target");
        }
    }

    public boolean matches(ModelName model) {
        String regex =
                Arrays.stream(models.split("\\*", -1)).map(Pattern::quote).collect(Collectors.joining(".*"));
        return model.value().matches(regex);
    }
}
