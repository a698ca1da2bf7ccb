package io.millrace.events.policy;

import io.millrace.events.Device;
import io.millrace.events.Gate;
import java.util.List;

/** A target without its texts, which are the policy's, and with files still named by path. */
public record TargetDraft(String name, Device device, List<RecipeDraft> ladder, Gate gate) {
    public TargetDraft {
        ladder = List.copyOf(ladder);
    }
}
