package io.millrace.events.policy;

import io.millrace.events.Device;
import io.millrace.events.Gate;
import io.millrace.events.Recipe;
import java.util.List;

/** A target without its texts, which are the policy's. */
public record TargetDraft(String name, Device device, List<Recipe> ladder, Gate gate) {
    public TargetDraft {
        ladder = List.copyOf(ladder);
    }
}
